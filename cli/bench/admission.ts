import { GatewaySettings } from '../../runtime/contracts/settings/services.ts';
import { maxWaiting } from '../../runtime/gateway/handshake-queue.ts';

const { shape } = GatewaySettings;
const shipped = {
  maxConnections: shape.IOT_MAX_CONNECTIONS,
  perSecond: shape.IOT_HANDSHAKES_PER_SECOND,
  inProgress: shape.IOT_HANDSHAKES_IN_PROGRESS,
  inProgressPerAddress: shape.IOT_HANDSHAKES_PER_ADDRESS,
  connectionsPerSecondPerAddress: shape.IOT_CONNECTIONS_PER_SECOND_PER_ADDRESS,
  keepaliveMaxSeconds: shape.IOT_KEEPALIVE_MAX_SECONDS,
};

/** What a gateway admits as it is shipped: its settings' defaults and the bound of its listener. */
export const gatewayAdmission = {
  maxConnections: shipped.maxConnections.parse(undefined),
  perSecond: shipped.perSecond.parse(undefined),
  inProgress: shipped.inProgress.parse(undefined),
  inProgressPerAddress: shipped.inProgressPerAddress.parse(undefined),
  connectionsPerSecondPerAddress: shipped.connectionsPerSecondPerAddress.parse(undefined),
  keepaliveMaxSeconds: shipped.keepaliveMaxSeconds.parse(undefined),
  waiting: maxWaiting,
};
