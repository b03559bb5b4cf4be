// Every run there ever was, or those of somebody and some days, as a list that grows towards the past while somebody
// scrolls.
import { ask, failure, type AuditRun, type DaySpan, type Failure } from '../../api';

const page = 100;

export class Runs {
  list = $state.raw<AuditRun[]>([]);
  isAnswered = $state(false);
  isWhole = $state(false);
  trouble = $state.raw<Failure | null>(null);
  #who = '';
  #days: DaySpan | null = null;
  #turn = 0;
  #isAsking = false;

  /** Begins anew with another question; an older answer that comes late is dropped. */
  async open(who: string, days: DaySpan | null): Promise<void> {
    this.#turn += 1;
    this.#who = who;
    this.#days = days;
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
    const before = this.list[this.list.length - 1]?.id ?? null;
    const query = { who: this.#who, days: this.#days, before, limit: page };
    try {
      const runs = await ask('audit_runs', { query });
      if (turn !== this.#turn) return;
      this.list = [...this.list, ...runs];
      this.isWhole = runs.length < page;
      this.trouble = null;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.trouble = failure(error);
      this.isWhole = true;
    }
    this.isAnswered = true;
    this.#isAsking = false;
  }
}
