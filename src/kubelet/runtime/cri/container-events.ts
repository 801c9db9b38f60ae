// CRI's own events, of runtimes that have them: containerd since 1.7, CRI-O since 1.26.
import type { CriConnection } from './cri-connection.ts';

/** CONTAINER_STOPPED_EVENT */
const stopped = 2;

/** Calls back with the id of each container or sandbox that ended. Rejects when the stream breaks, or there is none. */
export function followContainerEvents(
  cri: CriConnection,
  onStopped: (id: string) => void,
  signal: AbortSignal,
): Promise<void> {
  return cri.stream(
    'GetContainerEvents',
    // What began we began ourselves, and know.
    ({ containerId, containerEventType }) => containerEventType === stopped && onStopped(containerId),
    signal,
  );
}
