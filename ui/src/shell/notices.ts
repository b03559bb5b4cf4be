// When the desktop itself should say something.
import type { LastAudit } from '../api';

const isAlarming = (run: LastAudit) => run.outcome === 'deviations' || run.outcome === 'storm';

/**
 * Watches the last audit and says which one is worth a notification, once. An audit stands in the log
 * before it corrects, so that an alarm counts only when it is still there a moment later.
 */
export class Lookout {
  /** Newest run that was told or was there before; null until the ledger has answered once. */
  #known: number | null = null;

  /** Is this a run to tell of, if it is still so in a moment? */
  isNews(last: LastAudit | null): boolean {
    if (this.#known === null) {
      // What was found before the start is no news.
      this.#known = last?.id ?? 0;
      return false;
    }
    return last !== null && last.id > this.#known && isAlarming(last);
  }

  /** The moment has passed: tell now? */
  take(seen: LastAudit, now: LastAudit | null): boolean {
    if (now?.id !== seen.id || !isAlarming(now) || now.id <= (this.#known ?? 0)) return false;
    this.#known = now.id;
    return true;
  }
}
