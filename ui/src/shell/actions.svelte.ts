// Every action there is right now, for the palette and for the keyboard: one list, so that a
// shortcut shown is a shortcut that works.
import { untrack } from 'svelte';
import { composing, inField, pressed } from '../components/keys';

export interface Action {
  id: string;
  label: string;
  /** As in a menu: Ctrl+Enter. Bare keys work outside fields only. */
  keys?: string;
  run: () => void;
  /** Its own part of the screen handles the keys; here it is only listed. */
  local?: boolean;
  /** A form that does not apply now is neither listed nor triggered. */
  off?: boolean;
}

let groups = $state.raw<{ list: () => Action[] }[]>([]);

/** Offers actions for as long as the calling component lives. */
export function offerActions(list: () => Action[]): void {
  $effect(() => {
    const group = { list };
    groups = [...untrack(() => groups), group];
    return () => {
      groups = groups.filter((g) => g !== group);
    };
  });
}

export function allActions(): Action[] {
  return groups.flatMap((g) => g.list()).filter((a) => !a.off);
}

function belongsToField(keys: string): boolean {
  return !/Ctrl|Alt|Esc|^F\d/.test(keys);
}

/** Runs the action whose shortcut this is; the latest offered wins. */
export function runShortcut(event: KeyboardEvent): boolean {
  if (composing(event) || document.querySelector('dialog[open]')) return false;
  const found = allActions()
    .reverse()
    .find((a) => !a.local && a.keys !== undefined && pressed(event, a.keys));
  if (!found?.keys || (belongsToField(found.keys) && inField(event))) return false;
  event.preventDefault();
  found.run();
  return true;
}
