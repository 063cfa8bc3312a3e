// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.0;

/// Seeds of recent sessions. System contract at 0x000000000000000000000000000000000000a101.
/// For a draw that is asked for in session s use seedOf(s + 2): nobody can know or choose it in session s.
interface IBeacon {
    /// The seed of a session; known is false before it is fixed and after it has left the ring.
    function seedOf(uint64 session) external view returns (bytes32 seed, bool known);
    function latestSession() external view returns (uint64 session, bool known);
}
