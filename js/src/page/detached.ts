/**
 * Whether a view has lost its Python side.
 *
 * The rule: detached is a view whose kernel was there on this page and is no more: restarted, shut down, crashed, or
 * exchanged for another. A kernel that another tab restarts tells this page nothing; there, sync.ts finds out with the
 * next move that a message was taken and not answered. Never detached is a view that had no kernel from the start (an exported page, a notebook
 * reopened with its saved state), one whose kernel is merely busy or slow, or one in a host that does not tell.
 */

import type { Model } from "./model";

/** What is read of JupyterLab's and Notebook's objects. Any part may be missing in another host. */
interface KernelModel {
  comm_live?: boolean;
  on?(event: string, callback: () => void): void;
  off?(event: string, callback: () => void): void;
}

interface KernelSignal {
  connect(slot: () => void): unknown;
  disconnect(slot: () => void): unknown;
}

interface KernelConnection {
  isDisposed?: boolean;
  status?: string;
  disposed?: KernelSignal;
  statusChanged?: KernelSignal;
}

interface KernelManager {
  get_model?(id: string): Promise<KernelModel>;
  kernel?: KernelConnection | null;
}

/** What the reader is told. */
export const DETACHED_TEXT =
  "Detached: its kernel was restarted or is gone. The view still works, Python no longer hears it; run the cell again.";

export interface Attachment {
  readonly detached: boolean;
}

/** Watch the kernel behind the widget that `ref` names (`anywidget:<model id>`); tell when it is lost or back. */
export function watchKernel(model: Model, ref: string, changed: () => void, signal: AbortSignal): Attachment {
  const attachment = { detached: false };
  watch(model.widget_manager as KernelManager | undefined, ref, signal, (detached) => {
    if (detached === attachment.detached) return;
    attachment.detached = detached;
    changed();
  }).catch(() => {}); // a host without such models does not tell
  return attachment;
}

async function watch(
  manager: KernelManager | undefined,
  ref: string,
  signal: AbortSignal,
  tell: (detached: boolean) => void,
): Promise<void> {
  const watched = await manager?.get_model?.(ref.replace(/^anywidget:/, ""));
  if (watched?.comm_live !== true || signal.aborted) return;
  const kernel = manager?.kernel;
  const look = () => tell(!watched.comm_live || kernel?.isDisposed === true || kernel?.status === "dead");
  const signals = [kernel?.disposed, kernel?.statusChanged];
  watched.on?.("comm_live_update", look);
  for (const each of signals) each?.connect(look);
  signal.addEventListener(
    "abort",
    () => {
      watched.off?.("comm_live_update", look);
      for (const each of signals) each?.disconnect(look);
    },
    { once: true },
  );
}
