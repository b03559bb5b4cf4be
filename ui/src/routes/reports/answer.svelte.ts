// The answer to the newest question of a screen: one to an older question that comes late is dropped.
import { failure, type Failure } from '../../api';

export class Answer<T> {
  value = $state.raw<T | null>(null);
  trouble = $state.raw<Failure | null>(null);
  #asked = 0;

  /** Asks; `come` is told when the answer is there, and which was there before. */
  ask(question: Promise<T>, come: (before: T | null) => void): void {
    this.#asked += 1;
    const mine = this.#asked;
    question.then(
      (answer) => {
        if (mine !== this.#asked) return;
        const before = this.value;
        this.value = answer;
        this.trouble = null;
        come(before);
      },
      (error: unknown) => {
        if (mine === this.#asked) this.trouble = failure(error);
      },
    );
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
