// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// Answers a call with little work.
contract Answerer {
    uint256 public last;

    function add(uint256 x, uint256 y) external pure returns (uint256) {
        unchecked {
            return x + y;
        }
    }

    receive() external payable {}

    fallback(bytes calldata data) external payable returns (bytes memory) {
        return data;
    }
}

/// Forwards everything to its answerer, as upgradable contracts do.
contract Forwarder {
    address immutable target;

    constructor(address t) {
        target = t;
    }

    receive() external payable {}

    fallback() external payable {
        address t = target;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), t, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }
}

/// Calls others again and again.
contract Calls {
    Answerer immutable answerer = new Answerer();
    Answerer immutable behind = Answerer(payable(address(new Forwarder(address(answerer)))));

    /// plain is n calls with their arguments encoded and answers checked.
    function plain(uint256 n) external view returns (uint256 x) {
        for (uint256 i = 0; i < n; i++) {
            x = answerer.add(x, i);
        }
    }

    /// proxied goes through a contract that delegates.
    function proxied(uint256 n) external view returns (uint256 x) {
        for (uint256 i = 0; i < n; i++) {
            x = behind.add(x, i);
        }
    }

    /// bare is n calls without data or answer.
    function bare(uint256 n) external returns (uint256 done) {
        address to = address(answerer);
        assembly {
            for { let i := 0 } lt(i, n) { i := add(i, 1) } { done := add(done, call(gas(), to, 0, 0, 0, 0, 0)) }
        }
    }

    /// identity is n calls of the built-in contract that copies its input.
    function identity(uint256 n) external view returns (uint256 done) {
        assembly {
            for { let i := 0 } lt(i, n) { i := add(i, 1) } { done := add(done, staticcall(gas(), 4, 0, 32, 0, 32)) }
        }
    }

    /// deep calls itself n levels down.
    function deep(uint256 n) external view returns (uint256) {
        return n == 0 ? 1 : this.deep(n - 1) + 1;
    }

    /// creates makes n contracts and forgets them.
    function creates(uint256 n) external returns (uint256 done) {
        for (uint256 i = 0; i < n; i++) {
            if (address(new Forwarder(address(this))) != address(0)) done++;
        }
    }
}
