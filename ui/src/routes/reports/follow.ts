// The report on screen follows what is posted: when entries were counted that its period can hold, its figures are made
// anew, never more often than every two seconds, and never under hands that are at work.
import { report } from './view.svelte';

/** Milliseconds between two of them at least. */
const pause = 2000;
/** Hands that were at work are looked at again. */
const wait = 500;

/** Somebody types, chooses or answers; what is asked or shown must not move now. */
function isBusy(): boolean {
  const field = document.activeElement;
  const isTyping =
    field instanceof HTMLElement &&
    (field.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(field.tagName));
  const isOpen = document.querySelector('dialog[open], [data-dropdown]') !== null;
  return document.hidden || isTyping || isOpen || report.isPrinting || report.isMaking;
}

class Following {
  #mark: string | null = null;
  #isDue = false;
  #isOn = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = 0;

  /** While the screen is there. */
  start(): () => void {
    this.#isOn = true;
    return () => {
      this.#isOn = false;
      this.#isDue = false;
      this.#mark = null;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  /** What has been counted so far; another one than before means that something was. */
  hear(mark: string): void {
    if (mark === this.#mark) return;
    this.#mark = mark;
    this.#isDue = true;
    this.#arm(Math.max(0, this.#last + pause - Date.now()));
  }

  #arm(after: number): void {
    if (!this.#isOn || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#run(), after);
  }

  async #run(): Promise<void> {
    if (isBusy()) {
      this.#timer = undefined;
      this.#arm(wait);
      return;
    }
    this.#isDue = false;
    await report.follow();
    this.#last = Date.now();
    this.#timer = undefined;
    if (this.#isDue) this.#arm(pause);
  }
}

export const following = new Following();
