#version 330 core
// Windows the sampled base image, as row.go does.
const float ANY_VALUE = 2e38; // below it is a value, above it a missing one

uniform sampler2DArray layers; // sampled values, with a border one pixel wide
uniform int layer;
uniform vec2 window; // low, scale

out vec4 color;

void main() {
    float v = texelFetch(layers, ivec3(ivec2(gl_FragCoord.xy) + 1, layer), 0).r;
    float grey = v < ANY_VALUE ? clamp((v - window.x) * window.y, 0.0, 1.0) : 0.0;
    color = vec4(vec3(grey), 1.0);
}
