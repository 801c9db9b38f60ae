// A KubeletConfiguration as the rest of the agent uses it. Times are milliseconds.
import type { Taint } from '../../../generated/core-v1.ts';
import type { Rate } from '../rate-limit.ts';
import type { CpuLimits } from '../resources.ts';

export interface KubeletConfiguration {
  /** The machine's runtime, `unix:///run/crio/crio.sock`; '' where the file does not name one: the node has its own. */
  readonly containerRuntimeEndpoint: string;
  readonly imageServiceEndpoint: string;
  /** For runtimes that do not tell theirs. */
  readonly cgroupDriver: 'cgroupfs' | 'systemd';

  readonly staticPodPath: string;
  readonly staticPodURL: string;
  readonly staticPodURLHeader: Readonly<Record<string, readonly string[]>>;
  readonly fileCheckMs: number;
  readonly httpCheckMs: number;

  readonly maxPods: number;
  readonly podsPerCore: number;
  /** Below zero: no limit but that of the node. */
  readonly podPidsLimit: number;
  readonly seccompDefault: boolean;
  /** Which machine of a provider the node is. */
  readonly providerId: string | undefined;
  readonly registerWithTaints: readonly Taint[];
  readonly containerLogMaxBytes: number;
  readonly containerLogMaxFiles: number;
  /** Rotated side by side. */
  readonly containerLogMaxWorkers: number;
  readonly containerLogMonitorMs: number;
  readonly cpuLimits: CpuLimits;
  /** Undefined: as the kernel's interface for cgroups has it by default. */
  readonly singleProcessOomKill: boolean | undefined;
  /** Longest wait before a container that fails starts again. */
  readonly maxRestartPeriodMs: number;
  readonly allowedUnsafeSysctls: readonly string[];

  /** How often files of volumes are looked at again. */
  readonly syncMs: number;
  /** Of other machines; '': pods get none of it. */
  readonly resolvConf: string;
  readonly registerNode: boolean;
  /** The controller attaches volumes to the node; else the node does what there is to do. */
  readonly controllerAttaches: boolean;
  /** How often the status is looked at, and how often it is written without news. */
  readonly nodeStatusUpdateMs: number;
  readonly nodeStatusReportMs: number;
  readonly nodeLeaseSeconds: number;
  /** Below zero: all of them. */
  readonly nodeStatusMaxImages: number;
  /** Pulls of images. */
  readonly registryPulls: Rate;
  readonly events: Rate;

  /** Threshold by signal: an amount, or a percentage of the whole. */
  readonly evictionHard: Readonly<Record<string, string>>;
  readonly evictionSoft: Readonly<Record<string, string>>;
  readonly evictionSoftGracePeriod: Readonly<Record<string, string>>;
  readonly evictionMinimumReclaim: Readonly<Record<string, string>>;
  readonly evictionPressureTransitionMs: number;
  readonly evictionMaxPodGraceSeconds: number;
  readonly localStorageCapacityIsolation: boolean;

  readonly imageGcHighPercent: number;
  readonly imageGcLowPercent: number;
  readonly imageMinimumAgeMs: number;
  /** 0: images may be of any age. */
  readonly imageMaximumAgeMs: number;

  readonly systemReserved: Readonly<Record<string, string>>;
  readonly kubeReserved: Readonly<Record<string, string>>;
  readonly systemReservedCgroup: string;
  readonly kubeReservedCgroup: string;
  readonly enforceNodeAllocatable: readonly string[];
  /** Percentages of requests that those of lower classes may not use, by resource. */
  readonly qosReserved: Readonly<Record<string, string>>;
  readonly reservedSystemCpus: string;
  readonly cpuManagerPolicy: string;
  readonly cpuManagerPolicyOptions: Readonly<Record<string, string>>;
  readonly topologyManagerPolicy: string;
  readonly topologyManagerScope: string;

  /** From low priority to high; empty: the node does not wait for its pods. */
  readonly shutdownGracePeriods: readonly ShutdownGracePeriod[];

  /** All of it in upstream's form, with its defaults: what /configz shows. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface ShutdownGracePeriod {
  readonly priority: number;
  readonly seconds: number;
}
