// The messages of a key service, v2 of its protocol, and what is stored of a value that was sealed with its help.
import protobuf from 'protobufjs';

const text = `
syntax = "proto3";
package v2;
message StatusRequest {}
message StatusResponse { string version = 1; string healthz = 2; string key_id = 3; }
message DecryptRequest { bytes ciphertext = 1; string uid = 2; string key_id = 3; map<string, bytes> annotations = 4; }
message DecryptResponse { bytes plaintext = 1; }
message EncryptRequest { bytes plaintext = 1; string uid = 2; }
message EncryptResponse { bytes ciphertext = 1; string key_id = 2; map<string, bytes> annotations = 3; }
message EncryptedObject {
  bytes encryptedData = 1;
  string keyID = 2;
  bytes encryptedDEKSource = 3;
  map<string, bytes> annotations = 4;
  int32 encryptedDEKSourceType = 5;
}
`;

export const servicePath = '/v2.KeyManagementService/';

export type Annotations = Readonly<Record<string, Uint8Array>>;

export interface StatusAnswer {
  readonly version: string;
  readonly healthz: string;
  readonly keyId: string;
}

export interface EncryptAnswer {
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  readonly annotations: Annotations;
}

/** What is stored behind the mark of the provider. */
export interface Envelope {
  readonly encryptedData: Uint8Array;
  readonly keyID: string;
  readonly encryptedDEKSource: Uint8Array;
  readonly annotations: Annotations;
  readonly encryptedDEKSourceType: number;
}

/** How `encryptedData` was sealed: with a key as it is, or with one derived from a seed for each value. */
export const sourceTypes = { key: 0, seed: 1 } as const;

type MessageName = `${'Status' | 'Encrypt' | 'Decrypt'}${'Request' | 'Response'}` | 'EncryptedObject';

let root: protobuf.Root | undefined;

const typeOf = (name: MessageName): protobuf.Type => {
  root ??= protobuf.parse(text).root;
  return root.lookupType(`v2.${name}`);
};

export const encodeMessage = (name: MessageName, message: object): Buffer => {
  const type = typeOf(name);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
};

/** Every field is there. @throws when the bytes are no such message */
export function decodeMessage<T>(name: MessageName, bytes: Uint8Array): T {
  const type = typeOf(name);
  return type.toObject(type.decode(bytes), { defaults: true, bytes: Buffer }) as T;
}
