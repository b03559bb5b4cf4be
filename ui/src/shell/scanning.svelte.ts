// A barcode scanner types into whatever has the focus. Its burst is recognised here, the field is
// given back as it was, and the code goes to the screen that wants it.
import { Scanner } from './scanner';
import { preferences } from './preferences.svelte';

type Taker = (code: string) => void;

let takers: Taker[] = [];
let before: { field: HTMLInputElement | HTMLTextAreaElement; value: string } | null = null;
const scanner = new Scanner();

/** Takes scans for as long as the calling component lives; the latest wins. */
export function takeScans(taker: Taker): void {
  $effect(() => {
    takers = [...takers, taker];
    return () => {
      takers = takers.filter((t) => t !== taker);
    };
  });
}

function remember(): void {
  const field = document.activeElement;
  const isField = field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement;
  before = isField ? { field, value: field.value } : null;
}

function giveBack(): void {
  if (!before?.field.isConnected || before.field.value === before.value) return;
  before.field.value = before.value;
  before.field.dispatchEvent(new Event('input', { bubbles: true }));
}

function onkeydown(e: KeyboardEvent): void {
  const verdict = scanner.feed({
    key: e.key,
    code: e.code,
    shift: e.shiftKey,
    modified: e.ctrlKey || e.altKey || e.metaKey,
    time: e.timeStamp,
  });
  if (verdict.kind === 'start') remember();
  if (verdict.kind !== 'scan') return;
  const taker = takers[takers.length - 1];
  if (!taker) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  giveBack();
  taker(verdict.text);
}

export function watchScanner(): () => void {
  const stop = $effect.root(() => {
    $effect(() => {
      const { prefix, suffix } = preferences.current.scanner;
      scanner.configure({ minLength: 5, maxGapMs: 50, prefix, suffix });
    });
  });
  window.addEventListener('keydown', onkeydown, { capture: true });
  return () => {
    stop();
    window.removeEventListener('keydown', onkeydown, { capture: true });
  };
}

let sound: AudioContext | null = null;

/** A low double beep: the code is not known. Silent where there is no sound. */
export function beep(): void {
  try {
    sound ??= new AudioContext();
    for (const at of [0, 0.16]) {
      const tone = sound.createOscillator();
      const volume = sound.createGain();
      tone.type = 'square';
      tone.frequency.value = 330;
      volume.gain.value = 0.08;
      tone.connect(volume).connect(sound.destination);
      tone.start(sound.currentTime + at);
      tone.stop(sound.currentTime + at + 0.12);
    }
  } catch {
    // No audio device: the code stays on screen all the same.
  }
}
