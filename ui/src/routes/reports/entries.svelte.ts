// The movements behind a figure, newest first; the list grows towards the past while somebody scrolls.
import { ask, failure, type Failure, type ReportEntry, type ReportQuery } from '../../api';

const page = 200;

export class Entries {
  list = $state.raw<ReportEntry[]>([]);
  isAnswered = $state(false);
  isWhole = $state(false);
  trouble = $state.raw<Failure | null>(null);
  #next: string | null = null;
  #isAsking = false;

  constructor(
    private query: ReportQuery,
    private group: string[],
  ) {}

  async more(): Promise<void> {
    if (this.#isAsking || this.isWhole) return;
    this.#isAsking = true;
    const { query, group } = this;
    try {
      const found = await ask('report_entries', { query, group, after: this.#next, limit: page });
      this.list = [...this.list, ...found.entries];
      this.#next = found.next;
      this.isWhole = found.next === null;
      this.trouble = null;
    } catch (error) {
      this.trouble = failure(error);
      // Asked again only when a person does.
      this.isWhole = true;
    }
    this.isAnswered = true;
    this.#isAsking = false;
  }
}
