// containerd's own event stream: tells at once when a task ends, which CRI in 1.6 does not.
import { type Client, Metadata } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { followStream } from '../../../base/grpc.ts';

const { Field, Root, Type } = protobuf;

const types = new Root()
  .define('events')
  .add(new Type('SubscribeRequest').add(new Field('filters', 1, 'string', 'repeated')));
types.add(new Type('Any').add(new Field('typeUrl', 1, 'string')).add(new Field('value', 2, 'bytes')));
types.add(new Type('Envelope').add(new Field('topic', 3, 'string')).add(new Field('event', 4, 'Any')));
// TaskExit and TaskOOM both have the container's id first; TaskExit's second is the process: an exec has its own.
types.add(new Type('TaskEvent').add(new Field('containerId', 1, 'string')).add(new Field('id', 2, 'string')));

const request = types.lookupType('SubscribeRequest');
const envelope = types.lookupType('Envelope');
const taskEvent = types.lookupType('TaskEvent');

const filters = ['/tasks/exit', '/tasks/oom'].map((topic) => `namespace==k8s.io,topic=="${topic}"`);

/** Calls back with the id of each container or sandbox whose main process ended. Rejects when the stream breaks. */
export function followTaskExits(channel: Client, onExit: (id: string) => void, signal: AbortSignal): Promise<void> {
  const metadata = new Metadata();
  metadata.set('containerd-namespace', 'k8s.io');
  const subscribe = {
    channel,
    path: '/containerd.services.events.v1.Events/Subscribe',
    encode: (message: object) => Buffer.from(request.encode(request.fromObject(message)).finish()),
    decode: (bytes: Buffer) => envelope.decode(bytes) as unknown as { event?: { value: Uint8Array } },
    request: { filters },
    metadata,
  };
  const onMessage = ({ event }: { event?: { value: Uint8Array } }) => {
    if (!event) return;
    const { containerId, id } = taskEvent.decode(event.value) as unknown as { containerId: string; id: string };
    if (!id || id === containerId) onExit(containerId);
  };
  return followStream(subscribe, onMessage, signal);
}
