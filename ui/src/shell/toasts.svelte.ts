// Short confirmations. A toast never carries the only copy of an error: what went wrong also
// stands where it happened.

export interface Toast {
  id: number;
  tone: 'ok' | 'bad' | 'plain';
  text: string;
}

let list = $state.raw<Toast[]>([]);
let last = 0;

export const toasts = {
  get list(): Toast[] {
    return list;
  },
  show(text: string, tone: Toast['tone'] = 'ok'): void {
    last += 1;
    const id = last;
    list = [...list.slice(-2), { id, tone, text }];
    setTimeout(() => toasts.close(id), tone === 'bad' ? 8000 : 3500);
  },
  close(id: number): void {
    list = list.filter((t) => t.id !== id);
  },
};
