// What /metrics says about the store; names as upstream's where it has them.
import type { Store } from '../../store/store.ts';

export function storageFigures({ revision, compactedRevision, lastSizeBytes, quotaBytes }: Store): string[] {
  const gauge = (name: string, help: string, value: number | undefined, labels = '') =>
    value === undefined ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name}${labels} ${value}`];
  const size = 'Size of the storage database file physically allocated in bytes.';
  return [
    ...gauge('apiserver_storage_size_bytes', size, lastSizeBytes, '{storage_cluster_id="etcd-0"}'),
    ...gauge('coracle_storage_quota_bytes', 'Where all writes but deletions are refused.', quotaBytes),
    ...gauge('coracle_storage_revision', 'The newest revision.', revision),
    ...gauge('coracle_storage_compacted_revision', 'History before this revision is forgotten.', compactedRevision),
  ];
}
