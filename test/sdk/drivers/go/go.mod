module stagemq.test/go-driver

go 1.19

require (
	github.com/aliyunmq/mq-http-go-sdk v1.0.3
	github.com/gogap/errors v0.0.0-20210818113853-edfbba0ddea9
)

require (
	github.com/andybalholm/brotli v1.0.2 // indirect
	github.com/facebookgo/stack v0.0.0-20160209184415-751773369052 // indirect
	github.com/gogap/stack v0.0.0-20150131034635-fef68dddd4f8 // indirect
	github.com/klauspost/compress v1.13.4 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasthttp v1.31.0 // indirect
)
