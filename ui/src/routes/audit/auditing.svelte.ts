// The run that was started here and the last result. It outlives the screen: an audit goes on while
// somebody enters bills.
import { ask, failure, listen } from '../../api';
import type {
  AuditOverview,
  AuditProgress,
  AuditRun,
  Failure,
  KeyOf,
  ReplayQuery,
  ReplayResult,
} from '../../api';
import { anyLine, Log } from './log.svelte';
import { PaceMaker, type Pace } from './pace';

export type AuditTab = 'result' | 'replay' | 'history';
const unknownPace: Pace = { rate: null, left: null };

class Auditing {
  tab = $state<AuditTab>('result');
  overview = $state.raw<AuditOverview | null>(null);
  /** The run whose result is shown; null: nothing was audited yet, or it is not known. */
  run = $state.raw<AuditRun | null>(null);
  isAnswered = $state(false);
  /** What is under way. */
  running = $state<'quick' | 'full' | 'replay' | null>(null);
  isEnding = $state(false);
  progress = $state.raw<AuditProgress | null>(null);
  pace = $state.raw<Pace>(unknownPace);
  trouble = $state.raw<Failure | null>(null);
  /** What a replay is asked about. */
  keys = $state.raw<KeyOf[]>([]);
  from = $state('');
  to = $state('');
  replayed = $state.raw<{ query: ReplayQuery; result: ReplayResult } | null>(null);
  replayTrouble = $state.raw<Failure | null>(null);
  readonly log = new Log();
  #pacer = new PaceMaker();

  /** Schedule and last run, whoever made it. */
  async look(): Promise<void> {
    try {
      this.overview = await ask('audit_overview', {});
      if (this.running === null) this.trouble = null;
      const last = this.overview.last;
      // A run that corrects is written twice: before and after.
      const isNew = JSON.stringify(last) !== JSON.stringify(this.run);
      if (this.running === null && last && isNew) await this.#show(last);
    } catch (error) {
      this.trouble = failure(error);
    }
    this.isAnswered = true;
  }

  async #show(run: AuditRun): Promise<void> {
    this.run = run;
    await this.log.open({ ...anyLine, audit_id: run.id });
  }

  async start(full: boolean, correctStorm = false): Promise<void> {
    if (this.running !== null) return;
    this.tab = 'result';
    this.#begin(full ? 'full' : 'quick');
    this.trouble = null;
    try {
      const feed = listen('audit_start', { full, correct_storm: correctStorm }, (p) =>
        this.#take(p),
      );
      const run = await feed.answer;
      this.running = null;
      await this.#show(run);
    } catch (error) {
      this.trouble = failure(error);
    }
    this.running = null;
    await this.#schedule();
  }

  /** Looks, or applies what was looked at. */
  async replay(query: ReplayQuery): Promise<void> {
    if (this.running !== null) return;
    this.#begin('replay');
    this.replayTrouble = null;
    try {
      const result = await listen('replay_start', { query }, (p) => this.#take(p)).answer;
      this.replayed = { query, result };
    } catch (error) {
      this.replayTrouble = failure(error);
    }
    this.running = null;
    await this.#schedule();
  }

  /** Asks the run to end; what it found so far is kept. */
  async cancel(): Promise<void> {
    this.isEnding = true;
    await ask('audit_cancel', {}).catch(() => undefined);
  }

  /** Opens the replay of these balances. */
  about(keys: KeyOf[]): void {
    this.keys = keys;
    this.replayed = null;
    this.replayTrouble = null;
    this.tab = 'replay';
  }

  #begin(what: 'quick' | 'full' | 'replay'): void {
    this.running = what;
    this.isEnding = false;
    this.progress = null;
    this.pace = unknownPace;
    this.#pacer = new PaceMaker();
  }

  #take(progress: AuditProgress): void {
    this.progress = progress;
    this.pace = this.#pacer.feed(progress);
  }

  async #schedule(): Promise<void> {
    this.overview = await ask('audit_overview', {}).catch(() => this.overview);
  }
}

export const auditing = new Auditing();
