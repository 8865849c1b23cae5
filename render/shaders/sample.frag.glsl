#version 330 core
// Samples a volume at the pixel centres of a picture and of a border one pixel wide round it.
// The arithmetic is that of sample.go, in the same order.
const float MISSING = 3e38;
const float MAX_VALUE = 1e30;

uniform sampler3D voxels;  // missing voxels hold MISSING
uniform ivec3 last;        // highest index along each axis
uniform vec3 origin;       // voxel coordinate of pixel (0, 0)
uniform vec3 stepX;        // its change per pixel
uniform vec3 stepY;
uniform bool nearest;
uniform bool sparse;       // some voxel is missing

out float value;

float at(ivec3 voxel) { return texelFetch(voxels, voxel, 0).r; }

// Linear interpolation between the neighbours that have a value, with their weights brought to one.
float weighted(ivec3 lower, ivec3 upper, vec3 f) {
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

float bilinear(ivec2 x, ivec2 y, int z, vec2 f) {
    float v00 = at(ivec3(x.x, y.x, z)), v10 = at(ivec3(x.y, y.x, z));
    float v01 = at(ivec3(x.x, y.y, z)), v11 = at(ivec3(x.y, y.y, z));
    float v0 = v00 + f.x * (v10 - v00), v1 = v01 + f.x * (v11 - v01);
    return v0 + f.y * (v1 - v0);
}

void main() {
    vec2 pixel = floor(gl_FragCoord.xy) - 1.0;
    vec3 p = (origin + pixel.y * stepY) + pixel.x * stepX;
    if (any(lessThan(p, vec3(-0.5))) || any(greaterThan(p, vec3(last) + 0.5))) {
        value = MISSING;
        return;
    }
    if (nearest) {
        value = at(clamp(ivec3(p + 0.5), ivec3(0), last));
        return;
    }
    p = clamp(p, vec3(0.0), vec3(last));
    ivec3 lower = ivec3(p), upper = min(lower + 1, last);
    vec3 f = p - vec3(lower);
    if (sparse) {
        value = weighted(lower, upper, f);
        return;
    }
    value = bilinear(ivec2(lower.x, upper.x), ivec2(lower.y, upper.y), lower.z, f.xy);
    if (f.z > 0.0) {
        value += f.z * (bilinear(ivec2(lower.x, upper.x), ivec2(lower.y, upper.y), upper.z, f.xy) - value);
    }
}
