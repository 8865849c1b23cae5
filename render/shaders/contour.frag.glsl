#version 330 core
// Draws one contour of a sampled field and the area above it, as contour.go does; it is blended over
// the picture.
const float ANY_VALUE = 2e38; // below it is a value, above it a missing one

uniform sampler2DArray layers; // sampled values, with a border one pixel wide
uniform int layer;
uniform vec2 tile;  // picture coordinates of the first pixel
uniform vec4 ink;   // r, g, b, opacity of the line
uniform vec4 shape; // level, least slope, half width, opacity of the area
uniform vec3 dash;  // length, phase along x, phase along y

out vec4 color;

float unit(float v) { return clamp(v, 0.0, 1.0); }

float slope(float before, float here, float after) {
    bool b = before < ANY_VALUE, a = after < ANY_VALUE;
    return a && b ? 0.5 * (after - before) : a ? after - here : b ? here - before : 0.0;
}

float dashCover(float along) {
    float period = 2.0 * dash.x;
    float u = along - period * floor(along / period);
    return unit(dash.x / 2.0 - abs(u - dash.x / 2.0) + 0.5) + unit(dash.x / 2.0 - abs(u - dash.x / 2.0 - period) + 0.5);
}

void main() {
    ivec3 p = ivec3(ivec2(gl_FragCoord.xy) + 1, layer);
    float f = texelFetch(layers, p, 0).r;
    float gx = slope(texelFetch(layers, p - ivec3(1, 0, 0), 0).r, f, texelFetch(layers, p + ivec3(1, 0, 0), 0).r);
    float gy = slope(texelFetch(layers, p - ivec3(0, 1, 0), 0).r, f, texelFetch(layers, p + ivec3(0, 1, 0), 0).r);
    float g2 = gx * gx + gy * gy, diff = f - shape.x, reach = shape.z + 0.5;
    bool far = diff * diff >= g2 * (reach * reach) || g2 < shape.y * shape.y;
    float d = far ? (diff > 0.0 ? 1e6 : -1e6) : diff / sqrt(g2);
    float area = shape.w * unit(d + 0.5);
    float line = far ? 0.0 : ink.a * (unit(d + shape.z + 0.5) - unit(d - shape.z + 0.5));
    if (dash.x > 0.0) {
        vec2 along = floor(gl_FragCoord.xy) + tile - dash.yz;
        line *= dashCover(gx * gx > gy * gy ? along.y : along.x);
    }
    color = vec4(ink.rgb, f < ANY_VALUE ? 1.0 - (1.0 - area) * (1.0 - line) : 0.0);
}
