// Tells a barcode scanner from a typing hand, wherever the focus is.
// Pure: fed with keys and their event time, never reads a clock or the page, so that
// a burst is judged by when the keys were pressed and not by when the page got to them.

export interface ScanKey {
  /** KeyboardEvent.key; 'Process' or 'Unidentified' under an IME. */
  key: string;
  /** KeyboardEvent.code: what an IME cannot swallow. */
  code: string;
  shift: boolean;
  /** Ctrl, Alt or Meta held: never part of a scan. */
  modified: boolean;
  /** KeyboardEvent.timeStamp, milliseconds. */
  time: number;
}

export interface ScanSettings {
  minLength: number;
  maxGapMs: number;
  /** What the scanner sends before a code, or empty. A code that has it may be short. */
  prefix: string;
  /** What ends a scan besides Enter and Tab, or empty. */
  suffix: string;
}

export const defaultScan: ScanSettings = { minLength: 5, maxGapMs: 50, prefix: '', suffix: '' };

export type ScanVerdict =
  | { kind: 'none' }
  /** First character of what may become a burst: remember the field as it is now. */
  | { kind: 'start' }
  | { kind: 'more' }
  /** A whole scan: swallow this key and give the field back as it was at `start`. */
  | { kind: 'scan'; text: string };

const shiftedDigits = ')!@#$%^&*(';
const plainSigns: Record<string, [string, string]> = {
  Minus: ['-', '_'],
  Equal: ['=', '+'],
  Period: ['.', '>'],
  Comma: [',', '<'],
  Slash: ['/', '?'],
  Semicolon: [';', ':'],
  Space: [' ', ' '],
};

/** The character a key stands for, by `code` where an IME took `key` away. */
export function characterOf(k: ScanKey): string | null {
  if ([...k.key].length === 1) return k.key;
  if (k.key !== 'Process' && k.key !== 'Unidentified') return null;
  const letter = /^Key([A-Z])$/.exec(k.code)?.[1];
  if (letter) return k.shift ? letter : letter.toLowerCase();
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(k.code)?.[1];
  if (digit)
    return k.shift && k.code.startsWith('Digit') ? (shiftedDigits[Number(digit)] ?? digit) : digit;
  const sign = plainSigns[k.code];
  return sign ? sign[k.shift ? 1 : 0] : null;
}

const bareModifier = /^(Shift|CapsLock|Control|Alt|AltGraph|Meta|Process)/;

export class Scanner {
  #text = '';
  #last = -Infinity;

  constructor(private settings: ScanSettings = defaultScan) {}

  configure(settings: ScanSettings): void {
    this.settings = settings;
    this.reset();
  }

  reset(): void {
    this.#text = '';
    this.#last = -Infinity;
  }

  feed(k: ScanKey): ScanVerdict {
    if (k.modified) {
      this.reset();
      return { kind: 'none' };
    }
    const inTime = k.time - this.#last <= this.settings.maxGapMs;
    if (/^(Enter|NumpadEnter|Tab)$/.test(k.code) || k.key === 'Enter' || k.key === 'Tab') {
      return this.#finish(inTime);
    }
    const character = characterOf(k);
    if (character === null) {
      // Shift arrives between the characters of a scan; anything else breaks it.
      if (!bareModifier.test(k.key)) this.reset();
      return { kind: 'none' };
    }
    const begins = !inTime || this.#text === '';
    this.#text = begins ? character : this.#text + character;
    this.#last = k.time;
    const { suffix } = this.settings;
    if (suffix && this.#text.endsWith(suffix) && this.#text !== suffix) return this.#finish(true);
    return { kind: begins ? 'start' : 'more' };
  }

  #finish(inTime: boolean): ScanVerdict {
    const { prefix, suffix, minLength } = this.settings;
    let text = this.#text;
    this.reset();
    if (!inTime) return { kind: 'none' };
    const marked = prefix !== '' && text.startsWith(prefix);
    if (marked) text = text.slice(prefix.length);
    if (suffix && text.endsWith(suffix)) text = text.slice(0, -suffix.length);
    const enough = marked ? text.length > 0 : text.length >= minLength;
    return enough ? { kind: 'scan', text } : { kind: 'none' };
  }
}
