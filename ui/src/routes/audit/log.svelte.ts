// Lines of the audit log as a list that grows towards the past while somebody scrolls.
import { ask, failure, type AuditLine, type AuditSearch, type Failure } from '../../api';

const page = 200;
export const anyLine: AuditSearch = {
  audit_id: null,
  subject: '',
  cause: null,
  who: '',
  days: null,
  before: null,
};

export class Log {
  lines = $state.raw<AuditLine[]>([]);
  /** The first answer has come. */
  isAnswered = $state(false);
  isWhole = $state(false);
  trouble = $state.raw<Failure | null>(null);
  #search: AuditSearch = anyLine;
  #turn = 0;
  #isAsking = false;

  /** Begins anew with another question; an older answer that comes late is dropped. */
  async open(search: AuditSearch): Promise<void> {
    this.#turn += 1;
    this.#search = search;
    this.#isAsking = false;
    this.isWhole = false;
    this.isAnswered = false;
    this.lines = [];
    await this.more();
  }

  async more(): Promise<void> {
    if (this.#isAsking || this.isWhole) return;
    this.#isAsking = true;
    const turn = this.#turn;
    const before = this.lines[this.lines.length - 1]?.id ?? null;
    try {
      const lines = await ask('audit_lines', { search: { ...this.#search, before }, limit: page });
      if (turn !== this.#turn) return;
      this.lines = [...this.lines, ...lines];
      this.isWhole = lines.length < page;
      this.trouble = null;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.trouble = failure(error);
      // Asked again only when a person does.
      this.isWhole = true;
    }
    this.isAnswered = true;
    this.#isAsking = false;
  }

  /** Marks a line as seen by a person, or takes the mark back. */
  async review(line: AuditLine): Promise<void> {
    const reviewed = !line.reviewed;
    try {
      await ask('audit_review', { id: line.id, reviewed });
      this.lines = this.lines.map((l) => (l.id === line.id ? { ...l, reviewed } : l));
      this.trouble = null;
    } catch (error) {
      this.trouble = failure(error);
    }
  }
}
