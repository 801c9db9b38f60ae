/** What `up` leaves running in a process. */
export interface RunningServer {
  /** Stops everything but pods and containerd. */
  stop(): Promise<void>;
}
