// A list of matches under a text field: looks things up while a person types, never shows an
// answer to an older question, and lets arrow keys and Enter take one.

export interface PickItem {
  id: string;
  name: string;
  /** What else tells it apart: barcode, unit. */
  note?: string;
  /** Not in the catalogue yet. */
  unnamed?: boolean;
}

/** Milliseconds without a key before the question: a scanner's burst asks nothing. */
const quiet = 50;

export class Picker<T extends PickItem> {
  isOpen = $state(false);
  items = $state.raw<T[]>([]);
  active = $state(0);
  /** The text that `items` answers. */
  answered = $state<string | null>(null);
  #turn = 0;

  constructor(private search: (text: string) => Promise<T[]>) {}

  async look(text: string): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.isOpen = true;
    await new Promise((done) => setTimeout(done, quiet));
    if (turn !== this.#turn) return;
    const items = await this.search(text).catch(() => []);
    if (turn !== this.#turn) return;
    this.items = items;
    this.active = 0;
    this.answered = text;
  }

  move(by: number): void {
    if (this.items.length === 0) return;
    this.active = (this.active + by + this.items.length) % this.items.length;
  }

  close(): void {
    this.#turn += 1;
    this.isOpen = false;
    this.items = [];
    this.answered = null;
  }

  /** What Enter takes now; undefined while the answer to this text is still on its way. */
  chosen(text: string): T | null | undefined {
    if (this.answered !== text) return undefined;
    return this.items[this.active] ?? null;
  }

  /** The best match of a text, for a hand that was faster than the answer. */
  async best(text: string): Promise<T | null> {
    const items = await this.search(text).catch(() => []);
    return items[0] ?? null;
  }
}
