// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { ListMeta, MicroTime, ObjectMeta } from './meta-v1.ts';

export interface LeaseCandidate {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: LeaseCandidateSpec;
}

export interface LeaseCandidateList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: LeaseCandidate[];
}

export interface LeaseCandidateSpec {
  leaseName: string;
  pingTime?: MicroTime;
  renewTime?: MicroTime;
  binaryVersion: string;
  emulationVersion?: string;
  strategy: string;
}
