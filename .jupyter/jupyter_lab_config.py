"""How JupyterLab runs in this clone: `make lab` names this folder in JUPYTER_CONFIG_PATH, and so does environment.yml."""

from ipykernel.ipkernel import IPythonKernel
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class Pages(AsyncLargeFileManager):
    """Hands Lab a stored page with the kernel and the version of Python that will run it. The files leave them out, as they
    change with the machine; Lab would write them in by itself, call the page changed, and save it."""

    async def get(self, path, content=True, *arguments, **options):
        model = await super().get(path, content, *arguments, **options)
        metadata = model["content"]["metadata"] if content and model["type"] == "notebook" else {}
        if metadata.get("language_info") == {"name": "python"}:
            spec = self.parent.kernel_spec_manager.get_kernel_spec("python3")
            metadata["kernelspec"]["display_name"] = spec.display_name
            metadata["language_info"] = IPythonKernel.language_info
        return model


c = get_config()  # noqa: F821  (Jupyter calls this file with it)
c.ServerApp.contents_manager_class = Pages
c.HTMLExporter.embed_images = True  # File, Save and Export: what a page shows travels in the file
c.TagRemovePreprocessor.remove_cell_tags = {"check"}  # and what only checks stays behind
c.TagRemovePreprocessor.enabled = True
