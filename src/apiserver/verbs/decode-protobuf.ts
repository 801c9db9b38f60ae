// Protobuf bodies.
import type { KubernetesObject } from '../../api/meta/object.ts';
import { badRequest } from '../../api/meta/status-error.ts';
import { DecodeError, describeUndecodable, type KindInBody } from '../../schema/codec.ts';
import { decodeProtobuf, type ProtobufEnvelope, unwrapProtobuf } from '../../schema/protobuf.ts';
import { type DecodeSettings, identify } from './decode-settings.ts';

export function decodeProtobufBody(
  body: Uint8Array,
  settings: DecodeSettings,
  resolve: (says: KindInBody) => string,
): KubernetesObject {
  const { expected } = settings;
  let envelope: ProtobufEnvelope;
  try {
    envelope = unwrapProtobuf(body);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const shown = body.length === 0 ? '<empty>' : Buffer.from(body.subarray(0, 30)).toString('hex');
    const more = body.length > 30 ? ' ...' : '';
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): ${error.message} (${shown}${more})`,
    );
  }
  const says = { apiVersion: envelope.apiVersion, kind: envelope.kind };
  const typeName = resolve(says);
  try {
    return identify(decodeProtobuf<KubernetesObject>(typeName, envelope.raw), says, settings);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const known = { apiVersion: says.apiVersion || expected.version, kind: says.kind || expected.kind };
    throw badRequest(describeUndecodable(new DecodeError(error.failure, error.message, known), expected.kind, body));
  }
}

/** A body whose type is known whatever it says. @throws StatusError 400 */
export function decodeProtobufAs(body: Uint8Array, typeName: string): unknown {
  try {
    return decodeProtobuf(typeName, unwrapProtobuf(body).raw);
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(error.message);
    throw error;
  }
}
