// The answer to the newest question of a screen: one to an older question that comes late is dropped.
import { failure, type Failure } from '../../api';

export class Answer<T> {
  value = $state.raw<T | null>(null);
  trouble = $state.raw<Failure | null>(null);
  #asked = 0;
  #isAsking = false;
  /** Milliseconds that the last question took, and when it was answered. */
  #took = 0;
  #answered = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  /**
   * Asks; `come` is told when the answer is there, and which was there before. The same question again, because
   * entries were posted, waits until it has rested nine times as long as it takes.
   */
  ask(question: () => Promise<T>, come: (before: T | null) => void, isFollowed = false): void {
    clearTimeout(this.#later);
    const rest = Math.max(this.#answered + 9 * this.#took - Date.now(), this.#isAsking ? 500 : 0);
    if (isFollowed && rest > 0) {
      this.#later = setTimeout(() => this.ask(question, come, true), rest);
      return;
    }
    this.#asked += 1;
    const mine = this.#asked;
    const begun = Date.now();
    this.#isAsking = true;
    const end = () => {
      this.#isAsking = false;
      this.#answered = Date.now();
      this.#took = this.#answered - begun;
    };
    question().then(
      (answer) => {
        if (mine !== this.#asked) return;
        end();
        const before = this.value;
        this.value = answer;
        this.trouble = null;
        come(before);
      },
      (error: unknown) => {
        if (mine !== this.#asked) return;
        end();
        this.trouble = failure(error);
      },
    );
  }

  /** Nobody looks any more. */
  stop(): void {
    clearTimeout(this.#later);
  }
}

/** Where the row under the cursor is now: lists that follow what is posted keep it, wherever it moved. */
export function kept<T>(
  before: T[] | undefined,
  cursor: number,
  after: T[],
  key: (row: T) => string,
): number {
  const row = before?.[cursor];
  const at = row === undefined ? -1 : after.findIndex((other) => key(other) === key(row));
  return at >= 0 ? at : Math.min(cursor, Math.max(0, after.length - 1));
}
