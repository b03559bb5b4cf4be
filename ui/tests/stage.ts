// The app as tests see it: mounted anew for each, over the stand-in for the Tauri side.
import { afterEach, beforeEach, expect, vi } from 'vitest';
import door from '../dev/fake-door.js?raw';

type Call = [string, Record<string, unknown>];
interface Stage extends Window {
  __wish?: unknown;
  __calls: Call[];
}
export const stage = window as unknown as Stage;

/** The arguments of every call of a command. */
export const calls = (name: string) => stage.__calls.filter((c) => c[0] === name).map((c) => c[1]);
export const page = () => document.body.textContent ?? '';
/** A busy machine takes its time. */
export const soon = (what: () => unknown) => vi.waitFor(what, { timeout: 15_000 });

let close: () => unknown = () => undefined;

/** A window of its own each time: no state is left from the test before. `parts`: what stands in beside the door. */
export async function mounted(parts: string[], wish: object = {}) {
  stage.__wish = wish;
  vi.resetModules();
  new Function([...parts, door].join('\n'))();
  const { preferences } = await import('../src/shell/preferences.svelte');
  await preferences.load();
  const { mount, unmount } = await import('svelte');
  const { default: App } = await import('../src/App.svelte');
  const app = mount(App, { target: document.body });
  close = () => unmount(app);
}

/** The same, until a screen stands there. */
export async function opened(parts: string[], wish: object = {}) {
  await mounted(parts, wish);
  await soon(() => expect(document.querySelector('main h1, main form, main aside')).not.toBeNull());
}

/** Takes the window down after each test, `first` that is waited for. */
export function cleared(first: () => Promise<unknown> = () => Promise.resolve()) {
  beforeEach(() => {
    window.matchMedia ??= (() => ({ matches: false, addEventListener: () => undefined })) as never;
  });
  afterEach(async () => {
    await first();
    await close();
    document.body.innerHTML = '';
  });
}
