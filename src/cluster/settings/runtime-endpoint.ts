// Where the machine's own container runtime is found, when a node is to use it.

export interface MachineRuntime {
  /** Path of its CRI socket. */
  readonly socket: string;
  /** Path of the socket that serves images; absent: the same. */
  readonly imageSocket?: string;
  /** The runtime's folder of CNI configurations, when ours is to be written there; absent: pods get the network it has. */
  readonly cniConfDir?: string;
}

/** `unix:///run/crio/crio.sock`, or the path alone, to the path. @throws Error that says what is expected */
export function socketOf(endpoint: string): string {
  const path = endpoint.replace(/^unix:\/\//, '');
  if (path.startsWith('/') && Buffer.byteLength(path) <= 107) return path;
  throw new Error(`write unix:///path/of/its.sock, got "${endpoint}"`);
}

/** What commands say of the runtime. */
export interface RuntimeFlags {
  readonly containerRuntimeEndpoint?: string;
  readonly imageServiceEndpoint?: string;
  readonly cniConfDir?: string;
}
