#version 330 core
// Puts one picture together from sampled layers. The arithmetic is that of row.go and contour.go.
const float MISSING = 3e38;
const float ANY_VALUE = 2e38; // below it is a value, above it is MISSING
const int MAX_CONTOURS = 32;

uniform sampler2DArray layers; // sampled values, with a border one pixel wide
uniform sampler2D maps;        // 256 colours a row
uniform int base;              // layer of the grey image, or -1
uniform vec2 window;           // low, scale
uniform int overlay;           // layer of the overlay, or -1
uniform int map;               // row of maps
uniform vec3 shading;          // low, scale, opacity
uniform vec2 tile;             // picture coordinates of the first pixel
uniform int pens;
uniform vec4 penColor[MAX_CONTOURS]; // r, g, b, opacity of the line
uniform vec4 penShape[MAX_CONTOURS]; // level, least slope, half width, opacity of the area
uniform vec4 penDash[MAX_CONTOURS];  // layer, dash, phase along x, phase along y

out vec4 color;

float unit(float v) { return clamp(v, 0.0, 1.0); }

float slope(float before, float here, float after) {
    bool b = before < ANY_VALUE, a = after < ANY_VALUE;
    return a && b ? 0.5 * (after - before) : a ? after - here : b ? here - before : 0.0;
}

float dashCover(float along, float dash) {
    float period = 2.0 * dash;
    float u = along - period * floor(along / period);
    return unit(dash / 2.0 - abs(u - dash / 2.0) + 0.5) + unit(dash / 2.0 - abs(u - dash / 2.0 - period) + 0.5);
}

vec3 tint(vec3 under, float v) {
    if (v > ANY_VALUE || v < shading.x) {
        return under;
    }
    float t = unit((v - shading.x) * shading.y) * 255.0;
    int at = int(t);
    vec3 c = texelFetch(maps, ivec2(at, map), 0).rgb;
    vec3 d = texelFetch(maps, ivec2(min(at + 1, 255), map), 0).rgb;
    return under + shading.z * (c + (t - float(at)) * (d - c) - under);
}

vec3 edge(vec3 under, int n, float d, bool steep) {
    vec4 ink = penColor[n], shape = penShape[n], dash = penDash[n];
    vec3 c = under + shape.w * unit(d + 0.5) * (ink.rgb - under);
    float line = unit(d + shape.z + 0.5) - unit(d - shape.z + 0.5);
    if (dash.y > 0.0) {
        vec2 along = floor(gl_FragCoord.xy) + tile - dash.zw;
        line *= dashCover(steep ? along.y : along.x, dash.y);
    }
    return c + ink.a * line * (ink.rgb - c);
}

void main() {
    ivec2 p = ivec2(gl_FragCoord.xy) + 1;
    vec3 c = vec3(0.0);
    if (base >= 0) {
        float v = texelFetch(layers, ivec3(p, base), 0).r;
        c = v < ANY_VALUE ? vec3(unit((v - window.x) * window.y)) : c;
    }
    if (overlay >= 0) {
        c = tint(c, texelFetch(layers, ivec3(p, overlay), 0).r);
    }
    int layer = -1;
    float f = MISSING, gx = 0.0, gy = 0.0, g2 = 0.0;
    for (int n = 0; n < pens; n++) {
        if (int(penDash[n].x) != layer) {
            layer = int(penDash[n].x);
            f = texelFetch(layers, ivec3(p, layer), 0).r;
            gx = slope(texelFetch(layers, ivec3(p.x - 1, p.y, layer), 0).r, f, texelFetch(layers, ivec3(p.x + 1, p.y, layer), 0).r);
            gy = slope(texelFetch(layers, ivec3(p.x, p.y - 1, layer), 0).r, f, texelFetch(layers, ivec3(p.x, p.y + 1, layer), 0).r);
            g2 = gx * gx + gy * gy;
        }
        if (f > ANY_VALUE) {
            continue;
        }
        vec4 shape = penShape[n];
        float diff = f - shape.x, reach = shape.z + 0.5;
        if (diff * diff >= g2 * (reach * reach) || g2 < shape.y * shape.y) {
            c += (diff > 0.0 ? shape.w : 0.0) * (penColor[n].rgb - c);
            continue;
        }
        c = edge(c, n, diff / sqrt(g2), gx * gx > gy * gy);
    }
    color = vec4(c, 1.0);
}
