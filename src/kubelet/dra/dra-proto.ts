// What DRA drivers and the node agent say to each other. Version v1beta1 has the same calls and lacks one field.
import { type GrpcService, loadService } from '../grpc/proto.ts';

const drivers = (version: string): GrpcService =>
  loadService(
    `syntax = "proto3";
    package k8s.io.kubelet.pkg.apis.dra.${version};
    service DRAPlugin {
      rpc NodePrepareResources (NodePrepareResourcesRequest) returns (NodePrepareResourcesResponse) {}
      rpc NodeUnprepareResources (NodeUnprepareResourcesRequest) returns (NodeUnprepareResourcesResponse) {}
    }
    message NodePrepareResourcesRequest { repeated Claim claims = 1; }
    message NodePrepareResourcesResponse { map<string, NodePrepareResourceResponse> claims = 1; }
    message NodePrepareResourceResponse { repeated Device devices = 1; string error = 2; }
    message Device {
      repeated string request_names = 1;
      string pool_name = 2;
      string device_name = 3;
      repeated string cdi_device_ids = 4;
      string share_id = 5;
    }
    message NodeUnprepareResourcesRequest { repeated Claim claims = 1; }
    message NodeUnprepareResourcesResponse { map<string, NodeUnprepareResourceResponse> claims = 1; }
    message NodeUnprepareResourceResponse { string error = 1; }
    message Claim { string namespace = 1; string uid = 2; string name = 3; }`,
    `k8s.io.kubelet.pkg.apis.dra.${version}.DRAPlugin`,
  );

/** By the name under which drivers announce them; the newest first. */
export const driverServices: ReadonlyMap<string, GrpcService> = new Map([
  ['v1.DRAPlugin', drivers('v1')],
  ['v1beta1.DRAPlugin', drivers('v1beta1')],
]);

export const healthService = loadService(
  `syntax = "proto3";
  package v1alpha1;
  service DRAResourceHealth {
    rpc NodeWatchResources(NodeWatchResourcesRequest) returns (stream NodeWatchResourcesResponse) {}
  }
  message NodeWatchResourcesRequest {}
  enum HealthStatus { UNKNOWN = 0; HEALTHY = 1; UNHEALTHY = 2; }
  message DeviceIdentifier { string pool_name = 1; string device_name = 2; }
  message DeviceHealth {
    DeviceIdentifier device = 1;
    HealthStatus health = 2;
    int64 last_updated_time = 3;
    int64 health_check_timeout_seconds = 4;
    string message = 5;
  }
  message NodeWatchResourcesResponse { repeated DeviceHealth devices = 1; }`,
  'v1alpha1.DRAResourceHealth',
);

export interface ClaimReference {
  readonly namespace: string;
  readonly uid: string;
  readonly name: string;
}

/** A device that a driver has made ready. */
export interface PreparedDevice {
  readonly requestNames: readonly string[];
  readonly poolName: string;
  readonly deviceName: string;
  readonly cdiDeviceIds: readonly string[];
  /** '' where the device is not shared. */
  readonly shareId: string;
}
