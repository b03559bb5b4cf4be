// Opens a native dialog over the window: the platform keeps the focus inside and gives it back.

export function modal(node: HTMLDialogElement) {
  const before = document.activeElement;
  node.showModal();
  return {
    destroy: () => {
      node.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    },
  };
}
