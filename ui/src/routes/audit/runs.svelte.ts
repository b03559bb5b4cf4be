// Every run there ever was, as a list that grows towards the past while somebody scrolls.
import { ask, failure, type AuditRun, type Failure } from '../../api';

const page = 100;

export class Runs {
  list = $state.raw<AuditRun[]>([]);
  isAnswered = $state(false);
  isWhole = $state(false);
  trouble = $state.raw<Failure | null>(null);
  #isAsking = false;

  async more(): Promise<void> {
    if (this.#isAsking || this.isWhole) return;
    this.#isAsking = true;
    const before = this.list[this.list.length - 1]?.id ?? null;
    try {
      const runs = await ask('audit_runs', { query: { before, limit: page } });
      this.list = [...this.list, ...runs];
      this.isWhole = runs.length < page;
      this.trouble = null;
    } catch (error) {
      this.trouble = failure(error);
      this.isWhole = true;
    }
    this.isAnswered = true;
    this.#isAsking = false;
  }
}
