#version 330 core
// Colours the sampled overlay, as row.go does; it is blended over the picture.
const float ANY_VALUE = 2e38; // below it is a value, above it a missing one

uniform sampler2DArray layers; // sampled values, with a border one pixel wide
uniform int layer;
uniform sampler2D maps; // 256 colours a row
uniform int map;        // its row
uniform vec3 shading;   // low, scale, opacity

out vec4 color;

void main() {
    float v = texelFetch(layers, ivec3(ivec2(gl_FragCoord.xy) + 1, layer), 0).r;
    float t = clamp((v - shading.x) * shading.y, 0.0, 1.0) * 255.0;
    int at = int(t);
    vec3 c = texelFetch(maps, ivec2(at, map), 0).rgb;
    vec3 d = texelFetch(maps, ivec2(min(at + 1, 255), map), 0).rgb;
    bool drawn = v < ANY_VALUE && v >= shading.x;
    color = vec4(c + (t - float(at)) * (d - c), drawn ? shading.z : 0.0);
}
