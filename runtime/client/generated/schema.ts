// Made from the OpenAPI document by `npm run check -- --write`.

export interface paths {
    "/v1/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Devices by id, a page at a time */
        get: operations["listDevices"];
        put?: never;
        /** Register a device */
        post: operations["createDevice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/device-imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Register or change many devices in one transaction; every row is answered, and the same rows again change nothing */
        post: operations["importDevices"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One device */
        get: operations["getDevice"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change a device's name, type or tags */
        patch: operations["updateDevice"];
        trace?: never;
    };
    "/v1/devices/{deviceId}/block": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Block a device: live sessions end within 5 seconds, new ones are refused */
        post: operations["blockDevice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/unblock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a blocked device connect again */
        post: operations["unblockDevice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/certificates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A device's certificates, newest first */
        get: operations["listCertificates"];
        put?: never;
        /** Sign a certificate request; the key never leaves the device */
        post: operations["issueCertificate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/certificates/{serial}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Revoke one certificate: sessions that use it end within 5 seconds */
        post: operations["revokeCertificate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/device-types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Device types by id */
        get: operations["listDeviceTypes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/device-types/{typeId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One device type */
        get: operations["getDeviceType"];
        /** Create or replace a device type; `id` in the body must be the one in the path */
        put: operations["putDeviceType"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/claim-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Claim codes, newest first, without the codes */
        get: operations["listClaimCodes"];
        put?: never;
        /** Make claim codes, each good for one device; they are shown this once */
        post: operations["createClaimCodes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/claim-codes/{claimCodeId}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a claim code worthless; a device that enrolled with it stays */
        post: operations["revokeClaimCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/enrol": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Trade a claim code and a certificate request for a certificate; the same code and key get it again for a day */
        post: operations["enrolDevice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/factory-authorities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Makers' CAs by id */
        get: operations["listFactoryAuthorities"];
        put?: never;
        /** Add a maker's CA, whose devices are to register themselves; it is pending until it is activated */
        post: operations["addFactoryAuthority"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/factory-authorities/{authorityId}/activate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Trust a factory CA: with a certificate for its challenge, signed by it; an admin needs none */
        post: operations["activateFactoryAuthority"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/factory-authorities/{authorityId}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Trust a factory CA no more: sessions that came in by its certificates end within 5 seconds */
        post: operations["disableFactoryAuthority"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Public keys of a device's JWTs */
        get: operations["listDeviceKeys"];
        put?: never;
        /** Add a public key beside those that there are, up to three; one that is there gets the new end */
        post: operations["addDeviceKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/keys/{keyId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a key: sessions that it opened end within 5 seconds */
        delete: operations["removeDeviceKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/device-access": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How devices may log in besides by certificate */
        get: operations["getDeviceAccess"];
        /** Allow or forbid log-in by JWT, and name its audiences */
        put: operations["putDeviceAccess"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/twin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A device's twin: desired, reported, and what of the desired is not reported */
        get: operations["getTwin"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/twin/desired": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The desired state, with its ETag */
        get: operations["getDesired"];
        /** Replace the desired state; the device gets it at once, or when it connects */
        put: operations["putDesired"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change parts of the desired state by a merge patch (RFC 7396) */
        patch: operations["patchDesired"];
        trace?: never;
    };
    "/v1/devices/{deviceId}/commands": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A device's commands, newest first */
        get: operations["listCommands"];
        put?: never;
        /** Queue a command for a device; it is delivered when the device is connected, until its deadline */
        post: operations["sendCommand"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/commands/{commandId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One command; waits for its end when asked to */
        get: operations["getCommand"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/commands/{commandId}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel a command that is not finished; what the device has already it may still do */
        post: operations["cancelCommand"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/command-jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Command jobs, newest first */
        get: operations["listCommandJobs"];
        put?: never;
        /** Queue a command for every device of a tag or type */
        post: operations["createCommandJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/command-jobs/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A command job and how far its commands are */
        get: operations["getCommandJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/command-jobs/{jobId}/commands": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A job's commands, newest first */
        get: operations["listJobCommands"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/command-jobs/{jobId}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make no more commands of this job and cancel those that are not finished */
        post: operations["cancelCommandJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A device's newest reading */
        get: operations["getState"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices/{deviceId}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Readings of a time range, oldest first, raw or as 1-minute or 1-hour aggregates */
        get: operations["getHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/fleet/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The fleet in numbers */
        get: operations["getFleetSummary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/fleet/aggregate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One metric over all devices of the tenant, by time bucket */
        get: operations["getFleetAggregate"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Alerts, newest first */
        get: operations["listAlerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts/{alertId}/acknowledge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Mark an alert as seen */
        post: operations["acknowledgeAlert"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Messages and readings that could not be stored, newest first, without their payloads */
        get: operations["listDeadLetters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letter-summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How many dead letters there are by status, and open ones by reason; of one bulk action, how far it is */
        get: operations["getDeadLetterSummary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letter-replays": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Replay open letters that a filter finds, oldest first, some at a time: call it until `remaining` is 0 */
        post: operations["replayDeadLetters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letter-discards": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Discard open letters that a filter finds, oldest first, some at a time: call it until `remaining` is 0 */
        post: operations["discardDeadLetters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{letterId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One dead letter with what the device sent */
        get: operations["getDeadLetter"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{letterId}/payload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** What a replay reads instead of the original, which is kept; the original again takes the edit back */
        put: operations["editDeadLetter"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{letterId}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Have the processor read it again, and nobody else; asking twice stores nothing twice */
        post: operations["replayDeadLetter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{letterId}/discard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Put it aside for good, with a reason */
        post: operations["discardDeadLetter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tenant": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's tenant, what it may use and what it used */
        get: operations["getTenant"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All tenants by id */
        get: operations["listTenants"];
        put?: never;
        /** Make a tenant and invite its administrator */
        post: operations["createTenant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tenants/{tenantId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change a tenant's name or quotas; a quota that is not named stays */
        patch: operations["updateTenant"];
        trace?: never;
    };
    "/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** People of the tenant, invited ones too, by address */
        get: operations["listUsers"];
        put?: never;
        /** Invite a person; inviting again makes a new code and ends the old one */
        post: operations["inviteUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{email}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a person or an invitation; ends the sessions, and tokens within 15 minutes */
        delete: operations["removeUser"];
        options?: never;
        head?: never;
        /** Change a person's role; tokens that are out keep the old one for 15 minutes at most */
        patch: operations["updateUser"];
        trace?: never;
    };
    "/v1/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Machine clients of the tenant by id */
        get: operations["listClients"];
        put?: never;
        /** Make a machine client; its secret is answered here and never again */
        post: operations["createClient"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clients/{clientId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a machine client; its tokens end within 15 minutes */
        delete: operations["removeClient"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who changed what, newest first, with what it was before and after */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who the token speaks for */
        get: operations["whoAmI"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/platform": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Each part's health and rates along the path */
        get: operations["getPlatform"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Live state changes as server-sent events (`state`, `connection`, `alert`; `ping` each 15 seconds; `resync`: events may be missing, read anew; `lagged`: you read too slowly; `end`: the token expired or the server stops) */
        get: operations["stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Alert: {
            id: string;
            /** @example thermostat-0001 */
            device: string;
            rule: string;
            /** @enum {string} */
            kind: "threshold" | "silence";
            /** @enum {string} */
            severity: "info" | "warning" | "critical";
            /** @enum {string} */
            state: "open" | "closed";
            /** Format: date-time */
            openedAt: string;
            closedAt: string | null;
            acknowledgedAt: string | null;
            acknowledgedBy: string | null;
            detail: string;
        };
        AlertPage: {
            items: components["schemas"]["Alert"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        AlertRule: {
            /** @constant */
            kind: "threshold";
            id: string;
            /** @example temperature */
            metric: string;
            /** @enum {string} */
            operator: ">" | ">=" | "<" | "<=" | "==" | "!=";
            value: number;
            /**
             * @default warning
             * @enum {string}
             */
            severity: "info" | "warning" | "critical";
        } | {
            /** @constant */
            kind: "silence";
            id: string;
            seconds: number;
            /**
             * @default warning
             * @enum {string}
             */
            severity: "info" | "warning" | "critical";
        };
        AlertRuleRequest: {
            /** @constant */
            kind: "threshold";
            id: string;
            /** @example temperature */
            metric: string;
            /** @enum {string} */
            operator: ">" | ">=" | "<" | "<=" | "==" | "!=";
            value: number;
            /**
             * @default warning
             * @enum {string}
             */
            severity?: "info" | "warning" | "critical";
        } | {
            /** @constant */
            kind: "silence";
            id: string;
            seconds: number;
            /**
             * @default warning
             * @enum {string}
             */
            severity?: "info" | "warning" | "critical";
        };
        AuditEntry: {
            id: string;
            /** Format: date-time */
            at: string;
            /** @description Who: a user, a machine client, or `device:ID` */
            subject: string;
            action: string;
            target: string;
            before: unknown;
            after: unknown;
            /** @description Finds every log line of the request */
            trace: string | null;
        };
        AuditPage: {
            items: components["schemas"]["AuditEntry"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        Certificate: {
            /** @description Lower-case hex */
            serial: string;
            /** @example thermostat-0001 */
            device: string;
            /** Format: date-time */
            notBefore: string;
            /** Format: date-time */
            notAfter: string;
            /** @enum {string} */
            status: "active" | "revoked";
            revokedAt: string | null;
            revokedReason: string | null;
            /** @description SHA-256 of the DER, lower-case hex */
            fingerprint256: string;
        };
        CertificatePage: {
            items: components["schemas"]["Certificate"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        CertificatePolicy: {
            /** @description Their life; the platform's own without it */
            days?: number;
            /**
             * @default [
             *       "P-256"
             *     ]
             */
            keys: ("P-256" | "P-384" | "RSA-2048" | "RSA-3072" | "RSA-4096")[];
        };
        CertificatePolicyRequest: {
            /** @description Their life; the platform's own without it */
            days?: number;
            /**
             * @default [
             *       "P-256"
             *     ]
             */
            keys?: ("P-256" | "P-384" | "RSA-2048" | "RSA-3072" | "RSA-4096")[];
        };
        CertificateRequest: {
            /** @description PKCS #10 in PEM, P-256 key */
            csr: string;
        };
        ClaimCode: {
            /** @description Names the code without being it */
            id: string;
            /** @example thermostat */
            type: string;
            /** @description The only device that it is for */
            device: string | null;
            /** @description How the id of its device begins */
            prefix: string | null;
            tags: string[];
            /** @enum {string} */
            status: "open" | "used" | "expired" | "revoked";
            /** Format: date-time */
            createdAt: string;
            createdBy: string;
            /** Format: date-time */
            expiresAt: string;
            usedAt: string | null;
            /** @description The device that enrolled with it */
            usedBy: string | null;
        };
        ClaimCodePage: {
            items: components["schemas"]["ClaimCode"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        ClaimRequest: {
            /** @example 7T4NQ-0XWZR-5M2KD-8HJ3V */
            code: string;
            /**
             * @description The id it wants; else the common name of the request, else one is made up
             * @example thermostat-0001
             */
            device?: string;
            /** @description PKCS #10 in PEM */
            csr: string;
        };
        Command: {
            /** Format: uuid */
            id: string;
            /** @example thermostat-0001 */
            device: string;
            /** @example reboot */
            name: string;
            payload: unknown;
            /** @enum {string} */
            status: "queued" | "sent" | "acknowledged" | "succeeded" | "failed" | "expired" | "cancelled";
            job: string | null;
            /** Format: date-time */
            createdAt: string;
            createdBy: string;
            /** Format: date-time */
            deadline: string;
            /** @description How often it was sent */
            attempts: number;
            sentAt: string | null;
            acknowledgedAt: string | null;
            finishedAt: string | null;
            /** @description What the device said; null without */
            result: unknown;
            /** @description An answer that came after the command had expired or was cancelled */
            late: {
                /** @enum {string} */
                status: "succeeded" | "failed";
                result: unknown;
                /** Format: date-time */
                at: string;
            } | null;
        };
        CommandJob: {
            /** Format: uuid */
            id: string;
            /** @example reboot */
            name: string;
            payload: unknown;
            tag: string | null;
            type: string | null;
            /**
             * @description queueing: its commands are being made; running: not all of them are finished
             * @enum {string}
             */
            status: "queueing" | "running" | "cancelling" | "finished" | "cancelled";
            /** Format: date-time */
            createdAt: string;
            createdBy: string;
            /** Format: date-time */
            deadline: string;
            /** @description Commands made so far */
            commands: number;
            /** @description Devices whose queue was full */
            skipped: number;
            counts: {
                queued: number;
                sent: number;
                acknowledged: number;
                succeeded: number;
                failed: number;
                expired: number;
                cancelled: number;
            };
        };
        CommandJobPage: {
            items: components["schemas"]["CommandJob"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        CommandPage: {
            items: components["schemas"]["Command"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        DeadLetter: {
            id: string;
            device: string;
            /** @enum {string} */
            status: "open" | "replaying" | "replayed" | "discarded";
            /**
             * @description Why it could not be stored when that was last tried
             * @enum {string}
             */
            reason: "malformed" | "too-large" | "schema" | "transform" | "clock" | "conflict" | "unknown-device" | "rejected" | "delivery-attempts";
            detail: string;
            /** @description Replays that came to an end */
            attempts: number;
            /** @description Rises with every change; an edit names the version that it was made from */
            version: number;
            /** @description There is a payload that is replayed instead of the original */
            edited: boolean;
            /** @description Size of the original payload */
            bytes: number;
            subfolder: string;
            /** @description Gateway's message id, also the trace id */
            message: string;
            /**
             * Format: date-time
             * @description The gateway's time of receipt; a replay uses it, too
             */
            receivedAt: string;
            /** Format: date-time */
            createdAt: string;
            changedAt: string | null;
            changedBy: string | null;
            /** @description The bulk action that took it last */
            batch: string | null;
        };
        DeadLetterBulk: {
            batch: string;
            /** @description Letters taken by this call */
            changed: number;
            /** @description Open letters that the filter still finds, 10000 for more */
            remaining: number;
            degraded?: components["schemas"]["Degraded"];
        };
        DeadLetterDetail: {
            id: string;
            device: string;
            /** @enum {string} */
            status: "open" | "replaying" | "replayed" | "discarded";
            /**
             * @description Why it could not be stored when that was last tried
             * @enum {string}
             */
            reason: "malformed" | "too-large" | "schema" | "transform" | "clock" | "conflict" | "unknown-device" | "rejected" | "delivery-attempts";
            detail: string;
            /** @description Replays that came to an end */
            attempts: number;
            /** @description Rises with every change; an edit names the version that it was made from */
            version: number;
            /** @description There is a payload that is replayed instead of the original */
            edited: boolean;
            /** @description Size of the original payload */
            bytes: number;
            subfolder: string;
            /** @description Gateway's message id, also the trace id */
            message: string;
            /**
             * Format: date-time
             * @description The gateway's time of receipt; a replay uses it, too
             */
            receivedAt: string;
            /** Format: date-time */
            createdAt: string;
            changedAt: string | null;
            changedBy: string | null;
            /** @description The bulk action that took it last */
            batch: string | null;
            /** @description As it came; it never changes */
            payload: components["schemas"]["Payload"];
            /** @description What is replayed instead */
            edit: components["schemas"]["Payload"] | null;
            /**
             * @description Telemetry, or a reported state
             * @enum {string}
             */
            kind: "events" | "state";
            /** @description Place of the reading in its message; null for a whole message */
            place: number | null;
            /** @description The values are those after the type's transform, which a replay does not run again */
            transformed: boolean;
            /** @description What the last replay came to, or why it was discarded */
            outcome: {
                /** @enum {string} */
                result: "stored" | "failed" | "discarded";
                /** @description New rows */
                stored?: number;
                /** @description Readings that were stored already */
                duplicates?: number;
                /** @description Why it was discarded */
                because?: string;
            } | null;
        };
        DeadLetterFilterRequest: {
            /** @enum {string} */
            reason?: "malformed" | "too-large" | "schema" | "transform" | "clock" | "conflict" | "unknown-device" | "rejected" | "delivery-attempts";
            /** @example thermostat-0001 */
            device?: string;
            /** @example 2026-11-22T10:00:00Z */
            from?: string;
            /** @example 2026-11-22T10:00:00Z */
            to?: string;
        };
        DeadLetterPage: {
            items: components["schemas"]["DeadLetter"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        DeadLetterSummary: {
            open: number;
            replaying: number;
            replayed: number;
            discarded: number;
            oldestOpenAt: string | null;
            reasons: {
                /** @enum {string} */
                reason: "malformed" | "too-large" | "schema" | "transform" | "clock" | "conflict" | "unknown-device" | "rejected" | "delivery-attempts";
                open: number;
            }[];
            degraded?: components["schemas"]["Degraded"];
        };
        /** @description Present when the answer is not whole or not from its first source */
        Degraded: {
            missingShards?: number[];
            /** @description Parts that were away: cache, devices, … */
            parts?: string[];
        };
        /**
         * @description JSON object: 256 KB, 16 levels, no null
         * @example {
         *       "interval": 60
         *     }
         */
        DesiredDocumentRequest: {
            [key: string]: unknown;
        };
        /**
         * @description RFC 7396: null removes a name
         * @example {
         *       "interval": 30,
         *       "lamp": null
         *     }
         */
        DesiredPatch: {
            [key: string]: unknown;
        };
        DesiredState: {
            /** @description Rises by one with each change; 0 before the first */
            version: number;
            updatedAt: string | null;
            document: {
                [key: string]: unknown;
            };
        };
        Device: {
            /** @example thermostat-0001 */
            id: string;
            tenant: string;
            name: string;
            /** @example thermostat */
            type: string;
            tags: string[];
            /** @enum {string} */
            status: "active" | "blocked";
            blockedReason: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description From the gateways, by way of Redis; from the registry when Redis is away */
            connection: {
                connected: boolean;
                since: string | null;
                gateway: string | null;
                lastSeenAt: string | null;
            };
            degraded?: components["schemas"]["Degraded"];
        };
        DeviceAccess: {
            /** @description Devices without a certificate may log in by JWT */
            jwt: boolean;
            /** @description Values of `aud` that name this tenant, such as the project of Cloud IoT Core; its own id always does */
            audiences: string[];
        };
        DeviceAccessRequest: {
            /** @description Devices without a certificate may log in by JWT */
            jwt: boolean;
            /** @description Values of `aud` that name this tenant, such as the project of Cloud IoT Core; its own id always does */
            audiences: string[];
        };
        DeviceImport: {
            items: {
                /** @description Place in `rows`, from 1 */
                row: number;
                id: string | null;
                /** @enum {string} */
                result: "created" | "updated" | "unchanged" | "conflict" | "invalid";
                /** @description Why nothing was done */
                reason?: string;
            }[];
        };
        DeviceKey: {
            /** @description Head of the SHA-256 of the key */
            id: string;
            /** @enum {string} */
            algorithm: "ES256" | "RS256";
            expiresAt: string | null;
            /** Format: date-time */
            createdAt: string;
        };
        DeviceKeys: {
            items: components["schemas"]["DeviceKey"][];
        };
        DevicePage: {
            items: components["schemas"]["Device"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        DevicePatch: {
            name?: string;
            /** @example thermostat */
            type?: string;
            tags?: string[];
        };
        DeviceType: {
            /** @example thermostat */
            id: string;
            /** @default  */
            description: string;
            metrics: {
                [key: string]: components["schemas"]["MetricSchema"];
            };
            /** @default true */
            additionalMetrics: boolean;
            /** @default {} */
            transform: {
                [key: string]: string;
            };
            /** @default [] */
            drop: string[];
            /** @default [] */
            alerts: components["schemas"]["AlertRule"][];
            certificates?: components["schemas"]["CertificatePolicy"];
        };
        DeviceTypePage: {
            items: components["schemas"]["DeviceType"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        DeviceTypeRequest: {
            /** @example thermostat */
            id: string;
            /** @default  */
            description?: string;
            metrics: {
                [key: string]: components["schemas"]["MetricSchemaRequest"];
            };
            /** @default true */
            additionalMetrics?: boolean;
            /** @default {} */
            transform?: {
                [key: string]: string;
            };
            /** @default [] */
            drop?: string[];
            /** @default [] */
            alerts?: components["schemas"]["AlertRuleRequest"][];
            certificates?: components["schemas"]["CertificatePolicyRequest"];
        };
        DiscardDeadLetterRequest: {
            because: string;
        };
        DiscardDeadLettersRequest: {
            filter: components["schemas"]["DeadLetterFilterRequest"];
            /** @description Name of the action: a letter is taken once under it, so that it can be called again to go on */
            batch: string;
            /** @default 200 */
            limit?: number;
            because: string;
        };
        EditDeadLetterRequest: {
            /** @description As the letter was when it was read */
            version: number;
            payload: string;
            /**
             * @default utf8
             * @enum {string}
             */
            encoding?: "utf8" | "base64";
        };
        FactoryAuthority: {
            /** @description Head of the SHA-256 of the CA's public key */
            id: string;
            name: string;
            subject: string;
            /** @enum {string} */
            status: "pending" | "active" | "disabled";
            /** @description While pending: common name of the certificate that proves possession of the CA */
            challenge: string | null;
            /** @example thermostat */
            type: string;
            tags: string[];
            devicePrefix: string;
            takeOver: boolean;
            /** Format: date-time */
            notAfter: string;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
        };
        FactoryAuthorityActivationRequest: {
            /** @description PEM of a certificate whose CN is the challenge */
            proof?: string;
        };
        FactoryAuthorityPage: {
            items: components["schemas"]["FactoryAuthority"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        FleetAggregate: {
            metric: string;
            /** @enum {string} */
            resolution: "1m" | "1h";
            items: {
                /** Format: date-time */
                ts: string;
                devices: number;
                count: number;
                min: number;
                max: number;
                avg: number;
            }[];
            degraded?: components["schemas"]["Degraded"];
        };
        FleetSummary: {
            devices: number;
            connected: number;
            blocked: number;
            readingsPerSecond: number;
            /** @description Stored rows, whole history within retention, estimated by Postgres beyond a million */
            readingsTotal: number;
            deadLettersLastDay: number;
            openAlerts: number;
            /** @description Milliseconds over the last minute; null without traffic */
            ackLatency: {
                p50: number | null;
                p99: number | null;
            };
            /** @description Milliseconds over the last minute; null without traffic */
            queryableLatency: {
                p50: number | null;
                p99: number | null;
            };
            degraded?: components["schemas"]["Degraded"];
        };
        History: {
            /** @example thermostat-0001 */
            device: string;
            /** @enum {string} */
            resolution: "raw" | "1m" | "1h";
            items: components["schemas"]["HistoryPoint"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        HistoryPoint: {
            /**
             * Format: date-time
             * @description Time of the reading, or start of the bucket
             */
            ts: string;
            seq?: number;
            /** @description Raw resolution only */
            values?: {
                [key: string]: number | string | boolean;
            };
            /** @description 1m and 1h resolution: numeric metrics */
            aggregates?: {
                [key: string]: {
                    count: number;
                    min: number;
                    max: number;
                    avg: number;
                    sum: number;
                };
            };
        };
        ImportDevicesRequest: {
            /**
             * @description A device that is there with other values is a conflict, or is changed
             * @default refuse
             * @enum {string}
             */
            existing?: "refuse" | "update";
            /** @description Each a DeviceRecord; one that is none is answered `invalid`, and the others go on */
            rows: {
                [key: string]: unknown;
            }[];
        };
        Invitation: {
            /** @example ada@example.org */
            email: string;
            /** @enum {string} */
            role: "viewer" | "operator" | "admin";
            /** @description One use; shown here and never again */
            code: string;
            /** @description Where the code becomes a log-in */
            url: string;
            /** Format: date-time */
            expiresAt: string;
        };
        IssuedCertificate: {
            /** @description Lower-case hex */
            serial: string;
            /** @example thermostat-0001 */
            device: string;
            /** Format: date-time */
            notBefore: string;
            /** Format: date-time */
            notAfter: string;
            /** @enum {string} */
            status: "active" | "revoked";
            revokedAt: string | null;
            revokedReason: string | null;
            /** @description SHA-256 of the DER, lower-case hex */
            fingerprint256: string;
            /** @description PEM of the device certificate */
            certificate: string;
            /** @description PEM of the issuing CA and up, what a device sends after its own certificate */
            chain: string;
            /** @description PEM that the device trusts for the gateway */
            ca: string;
        };
        JobCommandPage: {
            items: components["schemas"]["Command"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        MachineClient: {
            /** @example line-controller */
            id: string;
            name: string;
            scopes: ("devices:read" | "devices:write" | "telemetry:read" | "dead-letters:read" | "dead-letters:write" | "platform:read" | "admin" | "tenants")[];
            /** Format: date-time */
            createdAt: string;
        };
        MachineClientMade: {
            /** @example line-controller */
            id: string;
            name: string;
            scopes: ("devices:read" | "devices:write" | "telemetry:read" | "dead-letters:read" | "dead-letters:write" | "platform:read" | "admin" | "tenants")[];
            /** Format: date-time */
            createdAt: string;
            secret: string;
        };
        MachineClientPage: {
            items: components["schemas"]["MachineClient"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        MetricSchema: {
            /** @enum {string} */
            type: "number" | "integer" | "boolean" | "string";
            /**
             * @description UCUM code or plain text
             * @example Cel
             */
            unit?: string;
            min?: number;
            max?: number;
            maxLength?: number;
            /** @default false */
            required: boolean;
        };
        MetricSchemaRequest: {
            /** @enum {string} */
            type: "number" | "integer" | "boolean" | "string";
            /**
             * @description UCUM code or plain text
             * @example Cel
             */
            unit?: string;
            min?: number;
            max?: number;
            maxLength?: number;
            /** @default false */
            required?: boolean;
        };
        MintedClaimCodes: {
            items: {
                /** @description Names the code without being it */
                id: string;
                /** @example thermostat */
                type: string;
                /** @description The only device that it is for */
                device: string | null;
                /** @description How the id of its device begins */
                prefix: string | null;
                tags: string[];
                /** @enum {string} */
                status: "open" | "used" | "expired" | "revoked";
                /** Format: date-time */
                createdAt: string;
                createdBy: string;
                /** Format: date-time */
                expiresAt: string;
                usedAt: string | null;
                /** @description The device that enrolled with it */
                usedBy: string | null;
                /** @example 7T4NQ-0XWZR-5M2KD-8HJ3V */
                code: string;
            }[];
        };
        NewClaimCodes: {
            /** @default 1 */
            count?: number;
            /**
             * @description Type of the device that enrols
             * @default generic
             * @example thermostat
             */
            type?: string;
            /**
             * @description Only this device, registered or not; then `count` is 1
             * @example thermostat-0001
             */
            device?: string;
            /** @example pump- */
            prefix?: string;
            /** @default [] */
            tags?: string[];
            /** @default 168 */
            expiresInHours?: number;
        };
        /**
         * @example {
         *       "name": "reboot",
         *       "payload": {
         *         "delay": 5
         *       },
         *       "timeoutSeconds": 600
         *     }
         */
        NewCommand: {
            /** @example reboot */
            name: string;
            /** @description Any JSON, 64 KB, 16 levels */
            payload?: unknown;
            /**
             * @description From now to its deadline; until then it is delivered, again if need be
             * @default 3600
             */
            timeoutSeconds?: number;
        };
        /**
         * @example {
         *       "name": "reboot",
         *       "tag": "building",
         *       "timeoutSeconds": 600
         *     }
         */
        NewCommandJob: {
            /** @example reboot */
            name: string;
            /** @description Any JSON, 64 KB, 16 levels */
            payload?: unknown;
            /**
             * @description From now to its deadline; until then it is delivered, again if need be
             * @default 3600
             */
            timeoutSeconds?: number;
            tag?: string;
            /** @example thermostat */
            type?: string;
        };
        NewDevice: {
            /** @example thermostat-0001 */
            id: string;
            name?: string;
            /**
             * @default generic
             * @example thermostat
             */
            type?: string;
            /** @default [] */
            tags?: string[];
        };
        NewDeviceKey: {
            /** @description PEM: PUBLIC KEY or CERTIFICATE, P-256 for ES256 or RSA of 2048 bits at least for RS256 */
            key: string;
            /**
             * Format: date-time
             * @description After it the key is no good; a certificate's end where it is earlier
             */
            expiresAt?: string;
        };
        NewFactoryAuthority: {
            name: string;
            /** @description PEM of a self-signed CA that signs devices itself */
            certificate: string;
            /**
             * @description Type of the devices that register themselves
             * @default generic
             * @example thermostat
             */
            type?: string;
            /** @default [] */
            tags?: string[];
            /** @default  */
            devicePrefix?: string | "";
            /**
             * @description Whether a certificate may stand for a device that is registered already
             * @default false
             */
            takeOver?: boolean;
        };
        NewMachineClient: {
            /** @example line-controller */
            id: string;
            name: string;
            scopes: ("devices:read" | "devices:write" | "telemetry:read" | "dead-letters:read" | "dead-letters:write" | "platform:read" | "admin" | "tenants")[];
        };
        NewTenant: {
            /** @example main */
            id: string;
            name: string;
            /** @example ada@example.org */
            administrator: string;
            /**
             * @default {
             *       "devices": null,
             *       "messagesPerSecond": null,
             *       "requestsPerSecond": null
             *     }
             */
            quotas?: components["schemas"]["QuotasRequest"];
        };
        NewUser: {
            /** @example ada@example.org */
            email: string;
            /** @enum {string} */
            role: "viewer" | "operator" | "admin";
        };
        Payload: {
            bytes: number;
            /** @description Null where the bytes are no UTF-8, as in CBOR */
            text: string | null;
            /** @description The bytes as they are */
            base64: string;
            /** @description Only the beginning is shown: it is longer than any message may be */
            truncated: boolean;
        };
        Platform: {
            /** Format: date-time */
            at: string;
            parts: components["schemas"]["PlatformPart"][];
        };
        PlatformPart: {
            name: string;
            /** @enum {string} */
            status: "up" | "degraded" | "down";
            detail: string;
            pid: number | null;
            uptimeSeconds: number | null;
            /** @description Cores used over the last seconds */
            cpu: number | null;
            rssBytes: number | null;
            /** @description Per second over the last seconds: received, published, stored, … */
            rates: {
                [key: string]: number;
            };
            gauges: {
                [key: string]: number;
            };
        };
        Problem: {
            type: string;
            title: string;
            status: number;
            detail?: string;
            instance?: string;
            /** @description Trace id; finds every log line of this request */
            trace?: string;
            /** @description One entry a wrong field */
            errors?: {
                field: string;
                message: string;
            }[];
        };
        Quotas: {
            /** @description Registered devices */
            devices: number | null;
            /** @description Of all devices together; beyond it they are read more slowly, nothing is lost */
            messagesPerSecond: number | null;
            /** @description API requests of all its clients */
            requestsPerSecond: number | null;
        };
        QuotasRequest: {
            /** @description Registered devices */
            devices: number | null;
            /** @description Of all devices together; beyond it they are read more slowly, nothing is lost */
            messagesPerSecond: number | null;
            /** @description API requests of all its clients */
            requestsPerSecond: number | null;
        };
        ReasonRequest: {
            /** @default by operator */
            reason?: string;
        };
        ReplayDeadLettersRequest: {
            filter: components["schemas"]["DeadLetterFilterRequest"];
            /** @description Name of the action: a letter is taken once under it, so that it can be called again to go on */
            batch: string;
            /** @default 200 */
            limit?: number;
        };
        ReportedState: {
            /** @description Rises by one with each change; 0 before the first */
            version: number;
            updatedAt: string | null;
            document: {
                [key: string]: unknown;
            };
            /** @description The device's own version, when it sent one */
            deviceVersion: number | null;
        };
        State: {
            /** @example thermostat-0001 */
            device: string;
            /** Format: date-time */
            ts: string;
            seq: number;
            values: {
                [key: string]: number | string | boolean;
            };
            /**
             * @description `store` when Redis was away: same reading, read from Postgres
             * @enum {string}
             */
            source: "cache" | "store";
            degraded?: components["schemas"]["Degraded"];
        };
        Tenant: {
            /** @example main */
            id: string;
            name: string;
            quotas: components["schemas"]["Quotas"];
            /** Format: date-time */
            createdAt: string;
        };
        TenantMade: {
            tenant: components["schemas"]["Tenant"];
            invitation: components["schemas"]["Invitation"];
        };
        TenantPage: {
            items: components["schemas"]["Tenant"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        TenantPatch: {
            name?: string;
            quotas?: {
                /** @description Registered devices */
                devices?: number | null;
                /** @description Of all devices together; beyond it they are read more slowly, nothing is lost */
                messagesPerSecond?: number | null;
                /** @description API requests of all its clients */
                requestsPerSecond?: number | null;
            };
        };
        TenantUsage: {
            /** @example main */
            id: string;
            name: string;
            quotas: components["schemas"]["Quotas"];
            /** Format: date-time */
            createdAt: string;
            usage: {
                devices: number;
                /** @description Taken from devices in the last 60 minutes */
                messagesLastHour: number;
                /** @description Time for which gateways read more slowly because of the quota, added over gateways */
                throttledSecondsLastHour: number;
            };
        };
        Twin: {
            desired: components["schemas"]["DesiredState"];
            reported: components["schemas"]["ReportedState"];
            /** @description Desired minus reported: what the device has not said it has */
            delta: {
                [key: string]: unknown;
            };
        };
        User: {
            /** @example ada@example.org */
            email: string;
            /** @enum {string} */
            role: "viewer" | "operator" | "admin";
            /** @enum {string} */
            status: "active" | "invited";
            /** Format: date-time */
            createdAt: string;
        };
        UserPage: {
            items: components["schemas"]["User"][];
            next: string | null;
            degraded?: components["schemas"]["Degraded"];
        };
        UserPatch: {
            /** @enum {string} */
            role: "viewer" | "operator" | "admin";
        };
        WhoAmI: {
            subject: string;
            tenant: string;
            role: string | null;
            scopes: ("devices:read" | "devices:write" | "telemetry:read" | "dead-letters:read" | "dead-letters:write" | "platform:read" | "admin" | "tenants")[];
            /** Format: date-time */
            expiresAt: string;
        };
    };
    responses: {
        /** @description The path, the query or the body breaks its schema; each wrong field is named */
        Problem400: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Invalid request",
                 *       "status": 400,
                 *       "detail": "query.limit: Too big: expected number to be <=500; it is \"501\""
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description There is no access token, or it is not good */
        Problem401: {
            headers: {
                "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Not authenticated",
                 *       "status": 401,
                 *       "detail": "the token has expired"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The token lacks the operation's scope */
        Problem403: {
            headers: {
                "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Not allowed",
                 *       "status": 403,
                 *       "detail": "the token lacks the scope devices:write"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description There is no such thing in this tenant */
        Problem404: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Not found",
                 *       "status": 404,
                 *       "detail": "there is no device 'x-1'"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Accept excludes the only media type that this answers */
        Problem406: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Not acceptable",
                 *       "status": 406,
                 *       "detail": "this answers application/json only; Accept must allow it"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description It clashes with what exists */
        Problem409: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Conflict",
                 *       "status": 409,
                 *       "detail": "device 'thermostat-0001' exists already"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description It changed meanwhile */
        Problem412: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Precondition failed",
                 *       "status": 412,
                 *       "detail": "the version is 4, not 3"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The body is larger than allowed */
        Problem413: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Body too large",
                 *       "status": 413,
                 *       "detail": "the body is larger than allowed here"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The body is not JSON */
        Problem415: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Unsupported media type",
                 *       "status": 415,
                 *       "detail": "allowed is content-type: application/json"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The body is well formed but can not be done */
        Problem422: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Not possible",
                 *       "status": 422,
                 *       "detail": "body.transform.temperature: the expression does not compile"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description A rate limit is used up */
        Problem429: {
            headers: {
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Too many requests",
                 *       "status": 429,
                 *       "detail": "the limit of this client is used up; try again in 1 s"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Our fault; the trace id finds the log lines */
        Problem500: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Internal error",
                 *       "status": 500,
                 *       "detail": "the trace id finds the log lines of this request"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description A part of the platform does not answer now */
        Problem503: {
            headers: {
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "title": "Part away",
                 *       "status": 503,
                 *       "detail": "devices does not answer now; try again in 1 s"
                 *     }
                 */
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /**
         * @description What is left of the limit `client`: `r` requests; the whole quota is back in `t` seconds
         * @example "client";r=99;t=1
         */
        RateLimit: string;
        /**
         * @description The limit by client: `q` requests in `w` seconds
         * @example "client";q=100;w=1
         */
        RateLimitPolicy: string;
        /**
         * @description Version of what is answered; `If-Match` takes it
         * @example "7"
         */
        ETag: string;
        /**
         * @description Seconds after which another try makes sense
         * @example 1
         */
        RetryAfter: number;
        /**
         * @description Challenge of RFC 6750 that says what is wrong with the token
         * @example Bearer realm="iot-platform", error="invalid_token", error_description="the token has expired"
         */
        WwwAuthenticate: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listDevices: {
        parameters: {
            query?: {
                /** @description Part of the id or name, any case */
                search?: string;
                tag?: string;
                type?: string;
                status?: "active" | "blocked";
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Devices by id, a page at a time */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DevicePage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    createDevice: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewDevice"];
            };
        };
        responses: {
            /** @description Register a device */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    importDevices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImportDevicesRequest"];
            };
        };
        responses: {
            /** @description Register or change many devices in one transaction; every row is answered, and the same rows again change nothing */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceImport"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One device */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    updateDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DevicePatch"];
            };
        };
        responses: {
            /** @description Change a device's name, type or tags */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    blockDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonRequest"];
            };
        };
        responses: {
            /** @description Block a device: live sessions end within 5 seconds, new ones are refused */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    unblockDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonRequest"];
            };
        };
        responses: {
            /** @description Let a blocked device connect again */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listCertificates: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A device's certificates, newest first */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CertificatePage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    issueCertificate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CertificateRequest"];
            };
        };
        responses: {
            /** @description Sign a certificate request; the key never leaves the device */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IssuedCertificate"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    revokeCertificate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
                serial: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonRequest"];
            };
        };
        responses: {
            /** @description Revoke one certificate: sessions that use it end within 5 seconds */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Certificate"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listDeviceTypes: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Device types by id */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceTypePage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getDeviceType: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                typeId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One device type */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceType"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    putDeviceType: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                typeId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeviceTypeRequest"];
            };
        };
        responses: {
            /** @description Create or replace a device type; `id` in the body must be the one in the path */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceType"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listClaimCodes: {
        parameters: {
            query?: {
                status?: "open" | "used" | "expired" | "revoked";
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Claim codes, newest first, without the codes */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClaimCodePage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    createClaimCodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewClaimCodes"];
            };
        };
        responses: {
            /** @description Make claim codes, each good for one device; they are shown this once */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MintedClaimCodes"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    revokeClaimCode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                claimCodeId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonRequest"];
            };
        };
        responses: {
            /** @description Make a claim code worthless; a device that enrolled with it stays */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClaimCode"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    enrolDevice: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClaimRequest"];
            };
        };
        responses: {
            /** @description Trade a claim code and a certificate request for a certificate; the same code and key get it again for a day */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IssuedCertificate"];
                };
            };
            400: components["responses"]["Problem400"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listFactoryAuthorities: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Makers' CAs by id */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FactoryAuthorityPage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    addFactoryAuthority: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewFactoryAuthority"];
            };
        };
        responses: {
            /** @description Add a maker's CA, whose devices are to register themselves; it is pending until it is activated */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FactoryAuthority"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    activateFactoryAuthority: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                authorityId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FactoryAuthorityActivationRequest"];
            };
        };
        responses: {
            /** @description Trust a factory CA: with a certificate for its challenge, signed by it; an admin needs none */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FactoryAuthority"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    disableFactoryAuthority: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                authorityId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReasonRequest"];
            };
        };
        responses: {
            /** @description Trust a factory CA no more: sessions that came in by its certificates end within 5 seconds */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FactoryAuthority"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listDeviceKeys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Public keys of a device's JWTs */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceKeys"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    addDeviceKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewDeviceKey"];
            };
        };
        responses: {
            /** @description Add a public key beside those that there are, up to three; one that is there gets the new end */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceKey"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    removeDeviceKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
                keyId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a key: sessions that it opened end within 5 seconds */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getDeviceAccess: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How devices may log in besides by certificate */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceAccess"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    putDeviceAccess: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeviceAccessRequest"];
            };
        };
        responses: {
            /** @description Allow or forbid log-in by JWT, and name its audiences */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceAccess"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getTwin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A device's twin: desired, reported, and what of the desired is not reported */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Twin"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getDesired: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The desired state, with its ETag */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DesiredState"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    putDesired: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETag of the desired state that this changes; another one answers 412 */
                "if-match"?: string;
            };
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DesiredDocumentRequest"];
            };
        };
        responses: {
            /** @description Replace the desired state; the device gets it at once, or when it connects */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DesiredState"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            412: components["responses"]["Problem412"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    patchDesired: {
        parameters: {
            query?: never;
            header?: {
                /** @description ETag of the desired state that this changes; another one answers 412 */
                "if-match"?: string;
            };
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DesiredPatch"];
                "application/merge-patch+json": components["schemas"]["DesiredPatch"];
            };
        };
        responses: {
            /** @description Change parts of the desired state by a merge patch (RFC 7396) */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DesiredState"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            412: components["responses"]["Problem412"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listCommands: {
        parameters: {
            query?: {
                status?: "queued" | "sent" | "acknowledged" | "succeeded" | "failed" | "expired" | "cancelled";
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A device's commands, newest first */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandPage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    sendCommand: {
        parameters: {
            query?: {
                /** @description Seconds to wait for the command to finish */
                wait?: number;
            };
            header?: {
                /** @description The same key again answers with what the first request made */
                "idempotency-key"?: string;
            };
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewCommand"];
            };
        };
        responses: {
            /** @description Queue a command for a device; it is delivered when the device is connected, until its deadline */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Command"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getCommand: {
        parameters: {
            query?: {
                /** @description Seconds to wait for the command to finish */
                wait?: number;
            };
            header?: never;
            path: {
                deviceId: string;
                commandId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One command; waits for its end when asked to */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Command"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    cancelCommand: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
                commandId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Cancel a command that is not finished; what the device has already it may still do */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Command"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listCommandJobs: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Command jobs, newest first */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandJobPage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    createCommandJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key again answers with what the first request made */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewCommandJob"];
            };
        };
        responses: {
            /** @description Queue a command for every device of a tag or type */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandJob"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getCommandJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A command job and how far its commands are */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandJob"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listJobCommands: {
        parameters: {
            query?: {
                status?: "queued" | "sent" | "acknowledged" | "succeeded" | "failed" | "expired" | "cancelled";
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A job's commands, newest first */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobCommandPage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    cancelCommandJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Make no more commands of this job and cancel those that are not finished */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandJob"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getState: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A device's newest reading */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["State"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getHistory: {
        parameters: {
            query: {
                from: string;
                to: string;
                /** @description `auto`: raw up to 2 hours, 1m up to 3 days, 1h beyond */
                resolution?: "raw" | "1m" | "1h" | "auto";
                metric?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path: {
                deviceId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Readings of a time range, oldest first, raw or as 1-minute or 1-hour aggregates */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["History"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getFleetSummary: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The fleet in numbers */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FleetSummary"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getFleetAggregate: {
        parameters: {
            query: {
                metric: string;
                from: string;
                to: string;
                resolution?: "1m" | "1h";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One metric over all devices of the tenant, by time bucket */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FleetAggregate"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listAlerts: {
        parameters: {
            query?: {
                state?: "open" | "closed";
                device?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Alerts, newest first */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertPage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    acknowledgeAlert: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                alertId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Mark an alert as seen */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alert"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listDeadLetters: {
        parameters: {
            query?: {
                status?: "open" | "replaying" | "replayed" | "discarded";
                reason?: "malformed" | "too-large" | "schema" | "transform" | "clock" | "conflict" | "unknown-device" | "rejected" | "delivery-attempts";
                device?: string;
                from?: string;
                to?: string;
                /** @description Name of the action: a letter is taken once under it, so that it can be called again to go on */
                batch?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Messages and readings that could not be stored, newest first, without their payloads */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterPage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getDeadLetterSummary: {
        parameters: {
            query?: {
                /** @description Name of the action: a letter is taken once under it, so that it can be called again to go on */
                batch?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many dead letters there are by status, and open ones by reason; of one bulk action, how far it is */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterSummary"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    replayDeadLetters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReplayDeadLettersRequest"];
            };
        };
        responses: {
            /** @description Replay open letters that a filter finds, oldest first, some at a time: call it until `remaining` is 0 */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterBulk"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    discardDeadLetters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DiscardDeadLettersRequest"];
            };
        };
        responses: {
            /** @description Discard open letters that a filter finds, oldest first, some at a time: call it until `remaining` is 0 */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterBulk"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getDeadLetter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                letterId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One dead letter with what the device sent */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterDetail"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    editDeadLetter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                letterId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EditDeadLetterRequest"];
            };
        };
        responses: {
            /** @description What a replay reads instead of the original, which is kept; the original again takes the edit back */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterDetail"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    replayDeadLetter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                letterId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Have the processor read it again, and nobody else; asking twice stores nothing twice */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterDetail"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    discardDeadLetter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                letterId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DiscardDeadLetterRequest"];
            };
        };
        responses: {
            /** @description Put it aside for good, with a reason */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetterDetail"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getTenant: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller's tenant, what it may use and what it used */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantUsage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listTenants: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All tenants by id */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantPage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    createTenant: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTenant"];
            };
        };
        responses: {
            /** @description Make a tenant and invite its administrator */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantMade"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    updateTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                tenantId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TenantPatch"];
            };
        };
        responses: {
            /** @description Change a tenant's name or quotas; a quota that is not named stays */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listUsers: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description People of the tenant, invited ones too, by address */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserPage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    inviteUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUser"];
            };
        };
        responses: {
            /** @description Invite a person; inviting again makes a new code and ends the old one */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invitation"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    removeUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                email: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a person or an invitation; ends the sessions, and tokens within 15 minutes */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    updateUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                email: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserPatch"];
            };
        };
        responses: {
            /** @description Change a person's role; tokens that are out keep the old one for 15 minutes at most */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listClients: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Machine clients of the tenant by id */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MachineClientPage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    createClient: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMachineClient"];
            };
        };
        responses: {
            /** @description Make a machine client; its secret is answered here and never again */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MachineClientMade"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    removeClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                clientId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a machine client; its tokens end within 15 minutes */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listAudit: {
        parameters: {
            query?: {
                subject?: string;
                action?: string;
                target?: string;
                from?: string;
                to?: string;
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who changed what, newest first, with what it was before and after */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    whoAmI: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who the token speaks for */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhoAmI"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getPlatform: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Each part's health and rates along the path */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Platform"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    stream: {
        parameters: {
            query?: {
                /** @description Only this device */
                device?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Live state changes as server-sent events (`state`, `connection`, `alert`; `ping` each 15 seconds; `resync`: events may be missing, read anew; `lagged`: you read too slowly; `end`: the token expired or the server stops) */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example event: state
                     *     data: {"type":"state","device":"thermostat-0001","ts":1795341600000,"seq":0,"values":{"temperature":21.5},"trace":"0af7651916cd43dd8448eb211c80319c"}
                     *
                     *     event: ping
                     *     data: {"at":"2026-11-22T10:00:00.000Z"}
                     */
                    "text/event-stream": unknown;
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            406: components["responses"]["Problem406"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
}
