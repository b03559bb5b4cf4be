// What runs and what waits, as Rust reports it. Nothing is assumed: before the first report, and
// after a failed question, the status is unknown and the bar says so.
import { failure, listen, type Failure, type Status } from '../api';

let current = $state.raw<Status | null>(null);
let trouble = $state.raw<Failure | null>(null);

export const status = {
  get current(): Status | null {
    return current;
  },
  /** Why there is no report. */
  get trouble(): Failure | null {
    return trouble;
  },
  watch(): () => void {
    const feed = listen('status_watch', {}, (report) => {
      current = report;
      trouble = null;
    });
    feed.answer.catch((error: unknown) => {
      current = null;
      trouble = failure(error);
    });
    return feed.stop;
  },
  /** A report that came as an answer (after a restart of the engine). */
  take(report: Status): void {
    current = report;
  },
};
