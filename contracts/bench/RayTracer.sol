// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// A ray tracer in fixed point (2^-32): spheres over a floor, one lamp, shadows and one reflection. It gives a
/// hash of the picture's rows.
contract RayTracer {
    int256 constant ONE = 1 << 32;

    struct Vec {
        int256 x;
        int256 y;
        int256 z;
    }

    struct Hit {
        int256 distance;
        int256 shade;
        Vec point;
        Vec normal;
    }

    function render(uint256 size) external pure returns (bytes32 picture) {
        for (uint256 y = 0; y < size; y++) {
            bytes memory row = new bytes(size);
            for (uint256 x = 0; x < size; x++) {
                row[x] = bytes1(uint8(pixel(x, y, size)));
            }
            picture = keccak256(abi.encodePacked(picture, row));
        }
    }

    function pixel(uint256 x, uint256 y, uint256 size) internal pure returns (uint256) {
        int256 half = int256(size) / 2;
        Vec memory ray = unit(Vec((int256(x) - half) * ONE / half, (half - int256(y)) * ONE / half, 2 * ONE));
        Vec memory eye = Vec(0, ONE, -4 * ONE);
        int256 light = trace(eye, ray, 1);
        return uint256(light * 255 / ONE);
    }

    function trace(Vec memory from, Vec memory ray, uint256 bounces) internal pure returns (int256 light) {
        Hit memory hit = nearest(from, ray);
        if (hit.distance == 0) return clamp((ray.y + ONE) / 4);
        Vec memory lamp = unit(Vec(3 * ONE, 5 * ONE, -2 * ONE));
        light = ONE / 8;
        int256 facing = dot(hit.normal, lamp);
        if (facing > 0 && nearest(along(hit.point, hit.normal, ONE / 256), lamp).distance == 0) {
            light += mul(facing, hit.shade);
        }
        if (bounces > 0) {
            Vec memory mirrored = along(ray, hit.normal, -2 * dot(ray, hit.normal));
            light = (3 * light + trace(along(hit.point, hit.normal, ONE / 256), mirrored, bounces - 1)) / 4;
        }
        return clamp(light);
    }

    function nearest(Vec memory from, Vec memory ray) internal pure returns (Hit memory hit) {
        for (int256 i = 0; i < 4; i++) {
            Vec memory center = Vec((2 * i - 3) * ONE, ONE / 2 + i * ONE / 4, i * ONE / 2);
            Vec memory to = along(center, from, -ONE);
            int256 b = dot(to, ray);
            int256 inside = mul(b, b) - dot(to, to) + (ONE * 3 / 4) * (ONE * 3 / 4) / ONE;
            if (b <= 0 || inside <= 0) continue;
            int256 distance = b - root(inside);
            if (distance > ONE / 128 && (hit.distance == 0 || distance < hit.distance)) {
                hit.distance = distance;
                hit.point = along(from, ray, distance);
                hit.normal = unit(along(hit.point, center, -ONE));
                hit.shade = ONE * (i + 2) / 6;
            }
        }
        if (ray.y < -ONE / 1024) {
            int256 distance = (from.y + ONE / 2) * ONE / -ray.y;
            if (distance > ONE / 128 && (hit.distance == 0 || distance < hit.distance)) {
                hit.distance = distance;
                hit.point = along(from, ray, distance);
                hit.normal = Vec(0, ONE, 0);
                hit.shade = ((hit.point.x >> 32) + (hit.point.z >> 32)) & 1 == 0 ? ONE / 2 : ONE * 3 / 4;
            }
        }
    }

    function mul(int256 a, int256 b) internal pure returns (int256) {
        return a * b / ONE;
    }

    function dot(Vec memory a, Vec memory b) internal pure returns (int256) {
        return (a.x * b.x + a.y * b.y + a.z * b.z) / ONE;
    }

    /// along gives a + b * t.
    function along(Vec memory a, Vec memory b, int256 t) internal pure returns (Vec memory) {
        return Vec(a.x + mul(b.x, t), a.y + mul(b.y, t), a.z + mul(b.z, t));
    }

    function unit(Vec memory a) internal pure returns (Vec memory) {
        int256 length = root(dot(a, a));
        return Vec(a.x * ONE / length, a.y * ONE / length, a.z * ONE / length);
    }

    function clamp(int256 a) internal pure returns (int256) {
        return a < 0 ? int256(0) : a > ONE ? ONE : a;
    }

    /// root is the square root of a fixed-point number, by Newton's method.
    function root(int256 a) internal pure returns (int256) {
        uint256 n = uint256(a) << 32;
        uint256 x = uint256(ONE);
        for (uint256 i = 0; i < 12; i++) {
            x = (x + n / x) >> 1;
        }
        return int256(x);
    }
}
