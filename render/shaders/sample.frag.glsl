#version 330 core
// Samples a volume at the pixel centres of a picture and of a border one pixel wide round it.
// The arithmetic is that of sample.go, in the same order. It is compiled once for every way to read a
// volume, since software OpenGL pays for both sides of a branch; one of these is defined:
// NEAREST, FLAT (bilinear on one layer of voxel centres), LINEAR, SPARSE (linear round missing voxels).
const float MISSING = 3e38;
const float MAX_VALUE = 1e30;

uniform sampler3D voxels; // missing voxels hold MISSING
uniform ivec3 last;       // highest index along each axis
uniform vec3 origin;      // voxel coordinate of pixel (0, 0)
uniform vec3 stepX;       // its change per pixel
uniform vec3 stepY;
uniform ivec3 axisA;      // FLAT: unit vectors of the two axes to interpolate along
uniform ivec3 axisB;

out float value;

float at(ivec3 voxel) { return texelFetch(voxels, voxel, 0).r; }

#if defined(NEAREST)

float read(vec3 p) { return at(clamp(ivec3(p + 0.5), ivec3(0), last)); }

#elif defined(FLAT)

float read(vec3 p) {
    p = clamp(p, vec3(0.0), vec3(last));
    ivec3 lower = ivec3(p);
    vec3 f = p - vec3(lower);
    ivec3 a = min(axisA, last - lower), b = min(axisB, last - lower);
    float fa = dot(f, vec3(axisA)), fb = dot(f, vec3(axisB));
    float v00 = at(lower), v10 = at(lower + a), v01 = at(lower + b), v11 = at(lower + a + b);
    float v0 = v00 + fa * (v10 - v00), v1 = v01 + fa * (v11 - v01);
    return v0 + fb * (v1 - v0);
}

#elif defined(LINEAR)

float bilinear(ivec3 lower, ivec3 upper, int z, vec2 f) {
    float v00 = at(ivec3(lower.xy, z)), v10 = at(ivec3(upper.x, lower.y, z));
    float v01 = at(ivec3(lower.x, upper.y, z)), v11 = at(ivec3(upper.xy, z));
    float v0 = v00 + f.x * (v10 - v00), v1 = v01 + f.x * (v11 - v01);
    return v0 + f.y * (v1 - v0);
}

float read(vec3 p) {
    p = clamp(p, vec3(0.0), vec3(last));
    ivec3 lower = ivec3(p), upper = min(lower + 1, last);
    vec3 f = p - vec3(lower);
    float v0 = bilinear(lower, upper, lower.z, f.xy), v1 = bilinear(lower, upper, upper.z, f.xy);
    return v0 + f.z * (v1 - v0);
}

#elif defined(SPARSE)

// Linear interpolation between the neighbours that have a value, with their weights brought to one.
float read(vec3 p) {
    p = clamp(p, vec3(0.0), vec3(last));
    ivec3 lower = ivec3(p), upper = min(lower + 1, last);
    vec3 f = p - vec3(lower);
    float sum = 0.0, weight = 0.0;
    for (int c = 0; c < 8; c++) {
        bvec3 up = bvec3((c & 1) != 0, (c & 2) != 0, (c & 4) != 0);
        float w = (up.x ? f.x : 1.0 - f.x) * (up.y ? f.y : 1.0 - f.y) * (up.z ? f.z : 1.0 - f.z);
        float v = at(ivec3(up.x ? upper.x : lower.x, up.y ? upper.y : lower.y, up.z ? upper.z : lower.z));
        if (w > 0.0 && v < MAX_VALUE) {
            sum += w * v;
            weight += w;
        }
    }
    return weight < 0.5 ? MISSING : sum / weight;
}

#endif

void main() {
    vec2 pixel = floor(gl_FragCoord.xy) - 1.0;
    vec3 p = (origin + pixel.y * stepY) + pixel.x * stepX;
    bool outside = any(lessThan(p, vec3(-0.5))) || any(greaterThan(p, vec3(last) + 0.5));
    value = outside ? MISSING : read(p);
}
