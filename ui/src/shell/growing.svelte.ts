// A list that grows towards the past while somebody scrolls: page after page of one question.
import { failure, type Failure } from '../api';

export interface Page<Row> {
  rows: Row[];
  /** Nothing comes after it. */
  isLast: boolean;
}

export abstract class GrowingList<Row> {
  list = $state.raw<Row[]>([]);
  /** The first answer has come. */
  isAnswered = $state(false);
  isWhole = $state(false);
  trouble = $state.raw<Failure | null>(null);
  #turn = 0;
  #isAsking = false;

  /** Asks for what comes after the last row of the list. */
  protected abstract next(last: Row | undefined): Promise<Page<Row>>;

  /** Begins anew, with another question; an older answer that comes late is dropped. */
  protected async begin(): Promise<void> {
    this.#turn += 1;
    this.#isAsking = false;
    this.isWhole = false;
    this.isAnswered = false;
    this.list = [];
    await this.more();
  }

  async more(): Promise<void> {
    if (this.#isAsking || this.isWhole) return;
    this.#isAsking = true;
    const turn = this.#turn;
    try {
      const page = await this.next(this.list[this.list.length - 1]);
      if (turn !== this.#turn) return;
      this.list = [...this.list, ...page.rows];
      this.isWhole = page.isLast;
      this.trouble = null;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.trouble = failure(error);
      // Asked again only when a person does.
      this.isWhole = true;
    }
    this.isAnswered = true;
    this.#isAsking = false;
  }
}
