// A list that loads older rows, page by page, as the user scrolls.
import { failure, type Failure } from '../api';

export interface NextRows<Row> {
  rows: Row[];
  /** There are no rows after these. */
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

  /** Loads the rows after the last one in the list. */
  protected abstract next(last: Row | undefined): Promise<NextRows<Row>>;

  /** Starts over with a new question. Late answers to the old one are dropped. */
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
      // Do not retry until the user asks again.
      this.isWhole = true;
    }
    this.isAnswered = true;
    this.#isAsking = false;
  }
}
