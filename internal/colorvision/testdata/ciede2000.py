# CIEDE2000 (Sharma, Wu and Dalal 2005) of two colours, seen with normal vision and with deuteranopia after
# Machado et al. 2009: the oracle of colorvision_test.go. Run it with Python 3 and NumPy.
import math

import numpy as np

M={'protan':np.array([[0.152286,1.052583,-0.204868],[0.114503,0.786281,0.099216],[-0.003882,-0.048116,1.051998]]),
'deutan':np.array([[0.367322,0.860646,-0.227968],[0.280085,0.672501,0.047413],[-0.011820,0.042940,0.968881]]),
'tritan':np.array([[1.255528,-0.076749,-0.178779],[-0.078411,0.930809,0.147602],[0.004733,0.691367,0.303900]])}
def lin(c): c=np.array(c)/255; return np.where(c<=.04045,c/12.92,((c+.055)/1.055)**2.4)
def lab(l):
    X=np.array([[0.4124564,0.3575761,0.1804375],[0.2126729,0.7151522,0.0721750],[0.0193339,0.1191920,0.9503041]])@l
    w=np.array([0.95047,1,1.08883]); t=X/w
    f=np.where(t>(6/29)**3,np.cbrt(t),t/(3*(6/29)**2)+4/29)
    return np.array([116*f[1]-16,500*(f[0]-f[1]),200*(f[1]-f[2])])
def de(a,b):
    L1,a1,b1=a;L2,a2,b2=b
    C1=math.hypot(a1,b1);C2=math.hypot(a2,b2);Cb=(C1+C2)/2
    G=.5*(1-math.sqrt(Cb**7/(Cb**7+25**7)))
    a1*=1+G;a2*=1+G
    C1=math.hypot(a1,b1);C2=math.hypot(a2,b2)
    h=lambda a,b:0 if a==0 and b==0 else math.degrees(math.atan2(b,a))%360
    h1=h(a1,b1);h2=h(a2,b2)
    dL=L2-L1;dC=C2-C1
    dh=0 if C1*C2==0 else (h2-h1+180)%360-180
    if C1*C2 and (h2-h1)==180: dh=180
    dH=2*math.sqrt(C1*C2)*math.sin(math.radians(dh/2))
    Lm=(L1+L2)/2;Cm=(C1+C2)/2
    if C1*C2==0: hm=h1+h2
    elif abs(h1-h2)<=180: hm=(h1+h2)/2
    else: hm=(h1+h2+360)/2 if h1+h2<360 else (h1+h2-360)/2
    r=math.radians
    T=1-.17*math.cos(r(hm-30))+.24*math.cos(r(2*hm))+.32*math.cos(r(3*hm+6))-.2*math.cos(r(4*hm-63))
    dt=30*math.exp(-((hm-275)/25)**2)
    RC=2*math.sqrt(Cm**7/(Cm**7+25**7))
    SL=1+.015*(Lm-50)**2/math.sqrt(20+(Lm-50)**2);SC=1+.045*Cm;SH=1+.015*Cm*T
    RT=-math.sin(r(2*dt))*RC
    return math.sqrt((dL/SL)**2+(dC/SC)**2+(dH/SH)**2+RT*dC/SC*dH/SH)
assert abs(de((50,2.6772,-79.7751),(50,0,-82.7485))-2.0425)<1e-4   # Sharma pair 1
assert abs(de((60.2574,-34.0099,36.2677),(60.4626,-34.1751,39.4387))-1.2644)<1e-4
orange, green = lin((230, 159, 0)), lin((0, 158, 115))
print("normal vision %.4f" % de(lab(orange), lab(green)))
print("deuteranopia %.4f" % de(lab(np.clip(M["deutan"] @ orange, 0, 1)), lab(np.clip(M["deutan"] @ green, 0, 1))))
