// Saves the draft behind the typing: at most 120 ms after a change, one save at a time.
import { ask, failure, type Draft, type Failure } from '../../api';

const delay = 120;

export class Saver {
  /** Why the last save failed; the draft is then only in this window. */
  trouble = $state.raw<Failure | null>(null);
  #waiting: Draft | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #running: Promise<void> | null = null;

  soon(draft: Draft): void {
    this.#waiting = draft;
    this.#timer ??= setTimeout(() => void this.#run(), delay);
  }

  /** Everything typed so far is saved, or has failed and says so. */
  async flush(): Promise<void> {
    await this.#running;
    if (this.#waiting) await this.#run();
  }

  /** Forgets a draft here and on disk. */
  async drop(draft_id: string): Promise<void> {
    this.#stop();
    this.#waiting = null;
    await this.#running;
    await ask('draft_delete', { draft_id }).catch(() => undefined);
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #run(): Promise<void> {
    this.#stop();
    if (this.#running) await this.#running;
    const draft = this.#waiting;
    if (!draft) return;
    this.#waiting = null;
    this.#running = ask('draft_save', { draft }).then(
      () => {
        this.trouble = null;
      },
      (error: unknown) => {
        this.trouble = failure(error);
      },
    );
    await this.#running;
    this.#running = null;
  }
}
