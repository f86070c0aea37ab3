// OHIF on Noctis: put this beside the viewer's index.html, with the name of your server, and that of the viewer into
// NOCTIS_CORS_ORIGINS. tests/viewers opens OHIF with this file.
const noctis = "https://noctis.example/dicom-web";

// The first series is drawn as soon as its own headers are here: by itself OHIF waits for those of every series of the study.
const firstSeriesAtOnce = {
  id: "noctis.first-series-at-once",
  onModeEnter({ servicesManager: { services: { hangingProtocolService } } }) {
    const protocol = hangingProtocolService.getProtocolById("default");
    hangingProtocolService.addProtocol("default", { ...protocol, hpInitiationCriteria: { minSeriesLoaded: 1 } });
  },
};

window.config = {
  routerBasename: null,
  extensions: [firstSeriesAtOnce],
  modes: [],
  customizationService: {},
  showStudyList: true,
  maxNumberOfWebWorkers: 3,
  showLoadingIndicator: true,
  showWarningMessageForCrossOrigin: false,
  strictZSpacingForVolumeViewport: true,
  groupEnabledModesFirst: true,
  maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
  defaultDataSourceName: "noctis",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "noctis",
      configuration: {
        friendlyName: "Noctis",
        name: "noctis",
        qidoRoot: noctis,
        wadoRoot: noctis,
        wadoUriRoot: noctis,
        qidoSupportsIncludeField: true,
        supportsFuzzyMatching: true,
        supportsWildcard: true,
        enableStudyLazyLoad: true,
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        dicomUploadEnabled: true,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true },
      },
    },
    // For /viewer/dicomjson?url=https://noctis.example/api/v1/dicom/studies/STUDY/ohif.json: a study by the address of one document.
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomjson",
      sourceName: "dicomjson",
      configuration: { friendlyName: "One study", name: "json" },
    },
  ],
};
