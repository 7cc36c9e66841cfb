#!/bin/sh
# Makes the stores of this directory anew with openssl and keytool, the programs that users make theirs with. Password: secret-store.
set -eu
cd "$(dirname "$0")"
pass=secret-store
rm -f ./*.pem ./*.p12 ./*.jks ./*.der ./*.b64
subject() { printf '/CN=%s' "$1"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key.pem -out ca.pem -subj "$(subject 'Test CA')" -days 36500 2>/dev/null
printf 'basicConstraints=critical,CA:true,pathlen:0\n' > ext
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout mid.key.pem -out mid.csr -subj "$(subject 'Test Intermediate')" 2>/dev/null
openssl x509 -req -in mid.csr -CA ca.pem -CAkey ca.key.pem -CAcreateserial -out mid.pem -days 36500 -extfile ext 2>/dev/null
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' > ext
openssl req -newkey rsa:2048 -nodes -keyout key.pkcs8.pem -out own.csr -subj "$(subject own)" 2>/dev/null
openssl x509 -req -in own.csr -CA mid.pem -CAkey mid.key.pem -CAcreateserial -out own.pem -days 36500 -extfile ext 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ec.pkcs8.pem -out ec.csr -subj "$(subject ec)" 2>/dev/null
openssl x509 -req -in ec.csr -CA mid.pem -CAkey mid.key.pem -CAcreateserial -out ec.pem -days 36500 -extfile ext 2>/dev/null

cat own.pem mid.pem > chain.pem
cat key.pkcs8.pem chain.pem > bundle.pem
openssl rsa -in key.pkcs8.pem -traditional -out key.pkcs1.pem 2>/dev/null
openssl ec -in ec.pkcs8.pem -out ec.sec1.pem 2>/dev/null
openssl pkcs8 -topk8 -in key.pkcs8.pem -out key.encrypted.pem -passout pass:$pass
openssl x509 -in ca.pem -outform der -out ca.der

openssl pkcs12 -export -inkey key.pkcs8.pem -in own.pem -certfile mid.pem -out own.openssl.p12 -passout pass:$pass
openssl pkcs12 -export -nokeys -in ca.pem -out trust.openssl.p12 -passout pass:$pass
keytool -importkeystore -srckeystore own.openssl.p12 -srcstoretype PKCS12 -srcstorepass $pass -destkeystore own.jks -deststoretype JKS -deststorepass $pass -noprompt 2>/dev/null
keytool -importkeystore -srckeystore own.openssl.p12 -srcstoretype PKCS12 -srcstorepass $pass -destkeystore own.keytool.p12 -deststoretype PKCS12 -deststorepass $pass -noprompt 2>/dev/null
keytool -importcert -file ca.pem -alias ca -keystore trust.jks -storetype JKS -storepass $pass -noprompt 2>/dev/null
keytool -importcert -file ca.pem -alias ca -keystore trust.keytool.p12 -storetype PKCS12 -storepass $pass -noprompt 2>/dev/null
base64 own.jks > own.jks.b64
rm -f ext ./*.csr ./*.srl ca.key.pem mid.key.pem
