// What the node agent asks of whatever runs containers. The shapes are CRI v1's in camelCase, so that the CRI client only
// moves them over the wire; the simulated runtime keeps them in memory. Times are milliseconds since the epoch.

export type SandboxState = 'SANDBOX_READY' | 'SANDBOX_NOTREADY';
export type ContainerState = 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN';
export type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET';

export interface SandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

export interface NamespaceOption {
  network: NamespaceMode;
  pid: NamespaceMode;
  ipc: NamespaceMode;
  targetId?: string;
  usernsOptions?: UserNamespace;
}

export interface IdMapping {
  hostId: number;
  containerId: number;
  length: number;
}

/** Users of the pod, and who they are on the node. */
export interface UserNamespace {
  mode: 'POD';
  uids: IdMapping[];
  gids: IdMapping[];
}

export interface SecurityProfile {
  profileType: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  localhostRef?: string;
}

export interface LinuxResources {
  cpuPeriod?: number;
  cpuQuota?: number;
  cpuShares?: number;
  memoryLimitInBytes?: number;
  oomScoreAdj?: number;
  cpusetCpus?: string;
  cpusetMems?: string;
  hugepageLimits?: { pageSize: string; limit: number }[];
  unified?: Record<string, string>;
}

export interface SandboxSecurityContext {
  namespaceOptions: NamespaceOption;
  runAsUser?: { value: number };
  runAsGroup?: { value: number };
  readonlyRootfs?: boolean;
  supplementalGroups?: number[];
  supplementalGroupsPolicy?: 'Merge' | 'Strict';
  privileged?: boolean;
  seccomp?: SecurityProfile;
}

export interface SandboxConfig {
  metadata: SandboxMetadata;
  hostname?: string;
  logDirectory: string;
  dnsConfig?: { servers: string[]; searches: string[]; options: string[] };
  portMappings: { protocol: 'TCP' | 'UDP' | 'SCTP'; containerPort: number; hostPort: number; hostIp?: string }[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  linux: {
    cgroupParent: string;
    securityContext: SandboxSecurityContext;
    sysctls?: Record<string, string>;
    overhead?: LinuxResources;
    resources?: LinuxResources;
  };
}

export interface MountConfig {
  containerPath: string;
  hostPath: string;
  readonly?: boolean;
  propagation?: 'PROPAGATION_PRIVATE' | 'PROPAGATION_HOST_TO_CONTAINER' | 'PROPAGATION_BIDIRECTIONAL';
  recursiveReadOnly?: boolean;
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
  /** An image mounted as a volume; `hostPath` is '' then. Needs containerd 2.1. */
  image?: ImageSpec;
  imageSubPath?: string;
}

export interface ContainerSecurityContext {
  capabilities?: { addCapabilities: string[]; dropCapabilities: string[] };
  privileged?: boolean;
  namespaceOptions: NamespaceOption;
  runAsUser?: { value: number };
  runAsGroup?: { value: number };
  runAsUsername?: string;
  readonlyRootfs?: boolean;
  supplementalGroups?: number[];
  supplementalGroupsPolicy?: 'Merge' | 'Strict';
  noNewPrivs?: boolean;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  seccomp?: SecurityProfile;
  apparmor?: SecurityProfile;
}

export interface ImageSpec {
  image: string;
  userSpecifiedImage?: string;
}

export interface ContainerConfig {
  metadata: { name: string; attempt: number };
  image: ImageSpec;
  command: string[];
  args: string[];
  workingDir?: string;
  envs: { key: string; value: string | Uint8Array }[];
  mounts: MountConfig[];
  devices?: { containerPath: string; hostPath: string; permissions: string }[];
  /** `VENDOR/CLASS=NAME`; containerd before 2 does not know them. */
  CDIDevices?: { name: string }[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  logPath: string;
  stdin?: boolean;
  stdinOnce?: boolean;
  tty?: boolean;
  linux: { resources: LinuxResources; securityContext: ContainerSecurityContext };
  stopSignal?: string;
}

export interface SandboxSummary {
  readonly id: string;
  readonly metadata: SandboxMetadata;
  readonly state: SandboxState;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface SandboxStatus extends SandboxSummary {
  /** Empty with the host's network. */
  readonly ips: readonly string[];
  readonly networkMode: NamespaceMode;
}

export interface ContainerSummary {
  readonly id: string;
  readonly sandboxId: string;
  readonly metadata: { readonly name: string; readonly attempt: number };
  readonly state: ContainerState;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Its image, by each name that the runtime gives. */
  readonly imageNames?: readonly string[];
}

export interface ContainerStatus extends Omit<ContainerSummary, 'sandboxId' | 'imageNames'> {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly image: string;
  readonly imageRef: string;
  readonly reason: string;
  readonly message: string;
  readonly logPath: string;
  readonly user?: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] };
}

export interface ImageInfo {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly sizeBytes: number;
  /** The numeric user the image asks for, or its name. */
  readonly uid?: number;
  readonly username: string;
  readonly pinned: boolean;
}

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly serverAddress?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}

export interface ContainerUsage {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly timestampMs: number;
  readonly cpuNanoSeconds: number;
  readonly cpuNanoCores?: number;
  readonly memoryWorkingSetBytes: number;
  readonly memoryUsageBytes: number;
  readonly memoryRssBytes: number;
  readonly writableLayerBytes: number;
  readonly writableLayerInodes: number;
}

export interface RuntimeCondition {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

/** What the runtime can do; older ones say nothing, and can do none of it. */
export interface RuntimeFeatures {
  readonly supplementalGroupsPolicy: boolean;
  /** By name; '' is the default one. */
  readonly handlers: readonly RuntimeHandler[];
}

export interface RuntimeHandler {
  readonly name: string;
  readonly recursiveReadOnlyMounts: boolean;
  readonly userNamespaces: boolean;
}

/** What a runtime tells of how it is set up; each absent where it does not say. */
export interface RuntimeFacts {
  /** What its sandboxes are made of. */
  readonly sandboxImage?: string;
  /** Its folder of CNI configurations. */
  readonly cniConfDir?: string;
  readonly cgroupDriver?: CgroupDriver;
  /** A folder on the disk of images. */
  readonly imageDir?: string;
}

export type CgroupDriver = 'cgroupfs' | 'systemd';

export interface ExecResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Pods' shells: the namespaces that containers share. */
export interface SandboxService {
  runSandbox(config: SandboxConfig, handler?: string): Promise<string>;
  stopSandbox(id: string): Promise<void>;
  removeSandbox(id: string): Promise<void>;
  /** Undefined when the runtime does not know it. */
  sandboxStatus(id: string): Promise<SandboxStatus | undefined>;
  listSandboxes(): Promise<SandboxSummary[]>;
}

export interface ContainerService {
  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Sends the stop signal, then KILL after the time-out. Settles when the container has stopped. */
  stopContainer(id: string, timeoutSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): Promise<ContainerStatus | undefined>;
  listContainers(): Promise<ContainerSummary[]>;
  updateContainerResources(id: string, resources: LinuxResources): Promise<void>;
  reopenContainerLog(id: string): Promise<void>;
  containerUsage(): Promise<ContainerUsage[]>;
}

export interface ImageService {
  /** @returns the image's id. */
  pullImage(
    image: string,
    auth: RegistryAuth | undefined,
    sandbox: SandboxConfig,
    signal?: AbortSignal,
  ): Promise<string>;
  imageStatus(image: string): Promise<ImageInfo | undefined>;
  listImages(): Promise<ImageInfo[]>;
  removeImage(image: string): Promise<void>;
}

/** Streams are served by the runtime itself at the address these give, for one connection. */
export interface StreamingService {
  execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult>;
  execUrl(id: string, command: readonly string[], options: StreamOptions): Promise<string>;
  attachUrl(id: string, options: StreamOptions): Promise<string>;
  portForwardUrl(sandboxId: string, ports: readonly number[]): Promise<string>;
}

/** Something happened to this container or sandbox: look again. Without an id: look at everything. */
export type RuntimeEventHandler = (id: string | undefined) => void;

export interface ContainerRuntime extends SandboxService, ContainerService, ImageService, StreamingService {
  /** `containerd://1.6.20`: name and version as the node's status has them. */
  version(): Promise<{ name: string; version: string }>;
  conditions(): Promise<RuntimeCondition[]>;
  features(): Promise<RuntimeFeatures>;
  /** Reports events until the signal aborts; reconnects by itself. */
  watchEvents(onEvent: RuntimeEventHandler, signal: AbortSignal): Promise<void>;
  close(): void;
}
