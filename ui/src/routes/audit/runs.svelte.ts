// All runs of the audit, or those of one person and some days, newest first.
import { ask, type AuditRun, type DaySpan } from '../../api';
import { GrowingList } from '../../shell/growing.svelte';

const page = 100;

export class Runs extends GrowingList<AuditRun> {
  #who = '';
  #days: DaySpan | null = null;

  async open(who: string, days: DaySpan | null): Promise<void> {
    this.#who = who;
    this.#days = days;
    await this.begin();
  }

  protected override async next(last: AuditRun | undefined) {
    const query = { who: this.#who, days: this.#days, before: last?.id ?? null, limit: page };
    const rows = await ask('audit_runs', { query });
    return { rows, isLast: rows.length < page };
  }
}
