// The movements behind a figure, newest first.
import { ask, type ReportEntry, type ReportQuery } from '../../api';
import { GrowingList } from '../../shell/growing.svelte';

const page = 200;

export class Entries extends GrowingList<ReportEntry> {
  #after: string | null = null;

  constructor(
    private query: ReportQuery,
    private group: string[],
  ) {
    super();
  }

  protected override async next() {
    const { query, group } = this;
    const found = await ask('report_entries', { query, group, after: this.#after, limit: page });
    this.#after = found.next;
    return { rows: found.entries, isLast: found.next === null };
  }
}
