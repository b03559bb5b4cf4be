// Starts the window: preferences first, so that the first paint already has the right language
// and the right light.
import { mount } from 'svelte';
import App from './App.svelte';
import './tokens.css';
import './base.css';
import { preferences } from './shell/preferences.svelte';

async function start(): Promise<void> {
  // Without an answer the window still opens: it shows what is wrong.
  await preferences.load().catch(() => undefined);
  const target = document.getElementById('app');
  if (target) mount(App, { target });
}

void start();
