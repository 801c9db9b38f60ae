// The part of etcd's v3 protocol that is used here: field numbers and types, made into protobuf types with names in
// camelCase. Revisions and lengths of time fit a number; lease ids are ours to choose and do too.
import protobuf from 'protobufjs';

/** `name: number type`, `*` for repeated. */
const tables: Readonly<Record<string, string>> = {
  ResponseHeader: 'revision: 3 int64',
  KeyValue:
    'key: 1 bytes, createRevision: 2 int64, modRevision: 3 int64, version: 4 int64, value: 5 bytes, lease: 6 int64',
  Event: 'type: 1 int32, kv: 2 KeyValue, prevKv: 3 KeyValue',
  RangeRequest:
    'key: 1 bytes, rangeEnd: 2 bytes, limit: 3 int64, revision: 4 int64, serializable: 7 bool, keysOnly: 8 bool, countOnly: 9 bool',
  RangeResponse: 'header: 1 ResponseHeader, kvs: 2 *KeyValue, more: 3 bool, count: 4 int64',
  PutRequest: 'key: 1 bytes, value: 2 bytes, lease: 3 int64',
  PutResponse: 'header: 1 ResponseHeader',
  DeleteRangeRequest: 'key: 1 bytes, rangeEnd: 2 bytes',
  DeleteRangeResponse: 'header: 1 ResponseHeader, deleted: 2 int64',
  RequestOp: 'requestRange: 1 RangeRequest, requestPut: 2 PutRequest, requestDeleteRange: 3 DeleteRangeRequest',
  ResponseOp: 'responseRange: 1 RangeResponse, responsePut: 2 PutResponse, responseDeleteRange: 3 DeleteRangeResponse',
  Compare: 'result: 1 int32, target: 2 int32, key: 3 bytes, version: 4 int64, modRevision: 6 int64',
  TxnRequest: 'compare: 1 *Compare, success: 2 *RequestOp, failure: 3 *RequestOp',
  TxnResponse: 'header: 1 ResponseHeader, succeeded: 2 bool, responses: 3 *ResponseOp',
  CompactionRequest: 'revision: 1 int64, physical: 2 bool',
  CompactionResponse: 'header: 1 ResponseHeader',
  WatchCreateRequest:
    'key: 1 bytes, rangeEnd: 2 bytes, startRevision: 3 int64, progressNotify: 4 bool, prevKv: 6 bool, watchId: 7 int64',
  WatchProgressRequest: '',
  WatchRequest: 'createRequest: 1 WatchCreateRequest, progressRequest: 3 WatchProgressRequest',
  WatchResponse:
    'header: 1 ResponseHeader, watchId: 2 int64, created: 3 bool, canceled: 4 bool, compactRevision: 5 int64, cancelReason: 6 string, events: 11 *Event',
  LeaseGrantRequest: 'TTL: 1 int64, ID: 2 int64',
  LeaseGrantResponse: 'header: 1 ResponseHeader, ID: 2 int64, TTL: 3 int64, error: 4 string',
  StatusRequest: '',
  StatusResponse:
    'header: 1 ResponseHeader, version: 2 string, dbSize: 3 int64, errors: 8 *string, dbSizeInUse: 9 int64, dbSizeQuota: 13 int64',
  DefragmentRequest: '',
  DefragmentResponse: '',
  AlarmRequest: 'action: 1 int32, memberID: 2 fixedText, alarm: 3 int32',
  AlarmMember: 'memberID: 1 fixedText, alarm: 2 int32',
  AlarmResponse: 'header: 1 ResponseHeader, alarms: 2 *AlarmMember',
};

export const compareResult = { equal: 0 } as const;
export const compareTarget = { version: 0, mod: 2 } as const;
export const eventType = { put: 0, delete: 1 } as const;
export const alarmAction = { get: 0, deactivate: 2 } as const;
export const alarmType = { noSpace: 1 } as const;

export interface EtcdMethod {
  /** `/etcdserverpb.KV/Range` */
  readonly path: string;
  encode(message: object): Buffer;
  decode(bytes: Buffer): any;
}

const methods = {
  range: ['KV/Range', 'RangeRequest', 'RangeResponse'],
  txn: ['KV/Txn', 'TxnRequest', 'TxnResponse'],
  put: ['KV/Put', 'PutRequest', 'PutResponse'],
  compact: ['KV/Compact', 'CompactionRequest', 'CompactionResponse'],
  watch: ['Watch/Watch', 'WatchRequest', 'WatchResponse'],
  leaseGrant: ['Lease/LeaseGrant', 'LeaseGrantRequest', 'LeaseGrantResponse'],
  status: ['Maintenance/Status', 'StatusRequest', 'StatusResponse'],
  defragment: ['Maintenance/Defragment', 'DefragmentRequest', 'DefragmentResponse'],
  alarm: ['Maintenance/Alarm', 'AlarmRequest', 'AlarmResponse'],
} as const;

export type EtcdMethodName = keyof typeof methods;

/** Ids of members have 64 bits: they are handed back as they came. */
const wireType = (type: string) => (type === 'fixedText' ? 'uint64' : type);

const decoding = { longs: Number, defaults: true, arrays: true } as const;
const decodingIds = { longs: String, defaults: true, arrays: true } as const;

/** Every method by name. Takes about a millisecond. */
export function loadEtcdMethods(): Record<EtcdMethodName, EtcdMethod> {
  const namespace = new protobuf.Root().define('etcdserverpb');
  for (const [name, table] of Object.entries(tables)) {
    const type = new protobuf.Type(name);
    for (const field of table.split(', ').filter(Boolean)) {
      const [, label, number, repeated, kind] = /^(\w+): (\d+) (\*?)(\w+)$/.exec(field)!;
      type.add(new protobuf.Field(label!, Number(number), wireType(kind!), repeated ? 'repeated' : undefined));
    }
    namespace.add(type);
  }
  const entries = Object.entries(methods).map(([name, [path, request, response]]) => {
    const [asked, answered] = [namespace.lookupType(request), namespace.lookupType(response)];
    const options = name === 'alarm' ? decodingIds : decoding;
    const method: EtcdMethod = {
      path: `/etcdserverpb.${path}`,
      encode: (message) => Buffer.from(asked.encode(asked.fromObject(message)).finish()),
      decode: (bytes) => answered.toObject(answered.decode(bytes), options),
    };
    return [name, method];
  });
  return Object.fromEntries(entries) as Record<EtcdMethodName, EtcdMethod>;
}
