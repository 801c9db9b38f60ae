// Types and methods from the text of a proto file.
import protobuf from 'protobufjs';

export interface GrpcMethod {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly request: protobuf.Type;
  readonly response: protobuf.Type;
  readonly isStream: boolean;
}

/** Methods by name. */
export type GrpcService = ReadonlyMap<string, GrpcMethod>;

/** @param name of the service with its package: `v1beta1.DevicePlugin` */
export function loadService(text: string, name: string): GrpcService {
  const { root } = protobuf.parse(text);
  const service = root.lookupService(name);
  return new Map(
    service.methodsArray.map((method) => [
      method.name,
      {
        path: `/${name}/${method.name}`,
        request: service.lookupType(method.requestType),
        response: service.lookupType(method.responseType),
        isStream: method.responseStream === true,
      },
    ]),
  );
}

const shape = { longs: String, enums: String, defaults: true, bytes: Buffer } as const;

/** A message as it arrives: every field is there. */
export type GrpcMessage = any;

export const encode = (type: protobuf.Type, message: object): Buffer =>
  Buffer.from(type.encode(type.fromObject(message)).finish());

export const decode = (type: protobuf.Type, bytes: Uint8Array): GrpcMessage => type.toObject(type.decode(bytes), shape);
