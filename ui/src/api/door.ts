// The only door to Tauri. Names, arguments and answers come from the command table that Rust
// generates (bindings/Commands.ts); nothing else in the UI imports @tauri-apps.
import { Channel, invoke } from '@tauri-apps/api/core';
import type { Commands } from './bindings/Commands';
import type { Failure } from './bindings/Failure';
import type { Words } from './bindings/Words';

type Name = keyof Commands;
type Args<K extends Name> = Commands[K]['args'];
type Feed<K extends Name> = Commands[K]['feed'];
type CommandAnswer<K extends Name> = Commands[K]['answer'];
type Plain = { [K in Name]: [Feed<K>] extends [never] ? K : never }[Name];
type Fed = Exclude<Name, Plain>;

/** Asks once. Rejects with a Failure, never with anything else. */
export async function ask<K extends Plain>(name: K, args: Args<K>): Promise<CommandAnswer<K>> {
  try {
    return await invoke<CommandAnswer<K>>(name, args);
  } catch (error) {
    throw failure(error);
  }
}

/** Asks, and keeps listening: `on` gets every message of the command's feed until `stop()`. */
export function listen<K extends Fed>(
  name: K,
  args: Args<K>,
  on: (message: Feed<K>) => void,
): { answer: Promise<CommandAnswer<K>>; stop: () => void } {
  let live = true;
  const feed = new Channel<Feed<K>>((message) => {
    if (live) on(message);
  });
  const answer = invoke<CommandAnswer<K>>(name, { ...args, feed }).catch((error: unknown) => {
    throw failure(error);
  });
  return {
    answer,
    stop: () => {
      live = false;
    },
  };
}

const isWords = (message: unknown): message is Words =>
  typeof message === 'object' && message !== null && 'english' in message && 'values' in message;

/** Whatever was thrown, as a Failure. */
export function failure(error: unknown): Failure {
  if (typeof error === 'object' && error !== null && 'code' in error && 'message' in error) {
    const { code, message } = error as { code: unknown; message: unknown };
    const field = 'field' in error && typeof error.field === 'string' ? error.field : null;
    return {
      code: String(code),
      message: isWords(message) ? message : plain(String(message)),
      field,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message: plain(message), field: null };
}

/** A text that came without a code: the same in every language. */
const plain = (text: string): Words => ({ code: '', values: {}, english: text });
