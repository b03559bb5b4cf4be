// The answer to the newest question of a screen: one to an older question that comes late is dropped.
import { failure, type Failure } from '../../api';

export class Answer<T> {
  value = $state.raw<T | null>(null);
  trouble = $state.raw<Failure | null>(null);
  #asked = 0;

  /** Asks; `come` is told when the answer is there. */
  ask(question: Promise<T>, come: () => void): void {
    this.#asked += 1;
    const mine = this.#asked;
    question.then(
      (answer) => {
        if (mine !== this.#asked) return;
        this.value = answer;
        this.trouble = null;
        come();
      },
      (error: unknown) => {
        if (mine === this.#asked) this.trouble = failure(error);
      },
    );
  }
}
