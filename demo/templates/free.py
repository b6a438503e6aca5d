"""Templates that need no download: they use the demo model that comes with the pack."""

from __future__ import annotations

from dataclasses import dataclass

from .graph import Graph
from .sockets import Placed, Socket

MODEL, VAE = "tap_demo_flux.safetensors", "tap_demo_vae.safetensors"
FREE = "Runs on any machine, with **no download**: a small FLUX comes with the pack."


@dataclass(frozen=True)
class Demo:
    """The demo model, its autoencoder and an empty picture."""

    graph: Graph
    model: Socket
    vae: Socket
    empty: Socket

    def scene(self, title: str = "", **chosen: str) -> Placed:
        """What is in the picture."""
        return self.graph.add("TapDemoScene", title, **chosen)

    def sample(self, title: str, model: Socket, scene: Placed, seed: int | Socket = 7) -> Socket:
        """The latent after 50 steps."""
        return self.graph.add(
            "KSampler", title, model=model, positive=scene[0], negative=scene[1], latent_image=self.empty, seed=seed,
            steps=50, cfg=2.0, sampler_name="euler", scheduler="simple")[0]

    def decode(self, title: str, latent: Socket) -> Socket:
        """The picture."""
        return self.graph.add("VAEDecode", title, samples=latent, vae=self.vae)[0]


def load(graph: Graph) -> Demo:
    """The demo model as one node, in the current column."""
    inside = Graph(f"{graph.name}/model", graph.known)
    box = graph.box("Demo model", inside, {
        "MODEL": inside.add("UNETLoader", unet_name=MODEL)[0],
        "VAE": inside.add("VAELoader", vae_name=VAE)[0],
        "LATENT": inside.add("EmptySD3LatentImage", "Empty picture, 256 x 256", width=256, height=256)[0],
    })
    return Demo(graph, box[0], box[1], box[2])


def begin(graph: Graph) -> tuple[Demo, Placed, Placed]:
    """The demo model, a scene, and TAP Accelerate with its outputs; what samples comes in the next column."""
    demo = load(graph)
    graph.column()
    scene, faster = demo.scene(), graph.add("TapAccelerate", model=demo.model)
    graph.column()
    return demo, scene, faster


def try_it(graph: Graph) -> None:
    """The same picture twice, with and without TAP, and how close they are."""
    graph.columns(280)
    graph.note(
        f"## Try it\n{FREE}\n\nPress **Run**. The same picture is made twice from the same seed: with **TAP "
        "Accelerate**, and with every step computed. *TAP Compare* says how close they are; drag the line on it to "
        "wipe from one to the other.\n\n**What to touch**\n- *quality* of TAP Accelerate: *draft* is fastest, *same* "
        "is closest.\n- *TAP Demo Scene*: what is in the picture.", 360)
    demo, scene, faster = begin(graph)
    one = demo.sample("KSampler, with TAP", faster[0], scene)
    other = demo.sample("KSampler, every step computed", demo.model, scene)
    pictures = [demo.decode("VAE Decode, with TAP", one), demo.decode("VAE Decode, every step computed", other)]
    graph.column(420)
    graph.add("TapCompare", picture=pictures[0], reference=pictures[1], record=faster[1])
    graph.grow(210)


def compare(graph: Graph) -> None:
    """How close a run is to the full one, and how close another seed is."""
    graph.note(
        f"## Compare speed and picture\n{FREE}\n\nThree runs: with TAP; the same seed with every step computed; "
        "another seed. **TAP Compare** says how close the first is to the second, and how close another seed is: the "
        "lowest figure that makes sense. Its map shows where they differ. Drag the line to wipe from one to the "
        "other.\n\n**How to read it**: above 40 dB almost nobody sees a difference; 30 dB is the same picture with "
        "other details; a figure like that of another seed means another picture.\n\n**What to touch**\n- *quality*: "
        "the node estimates the dB, *TAP Compare* measures it.\n- *orders*, *target*, *placement*, *correction*: "
        "change one at a time.\n- *amplify* of TAP Compare: 0 shows all maps on one scale; a number shows "
        "differences that many times stronger.\n\n**Your own model**: replace *Demo model* and the scene. Set *control "
        "after generate* of *Seed* to *increment* and press *Run* three times. Where your model's pictures are closer "
        "than TAP told, a button on *TAP Compare* then sets it, and fewer steps are computed.", 600)
    demo, scene, faster = begin(graph)
    seed = graph.add("PrimitiveInt", "Seed", value=7)[0]
    runs = [demo.sample("KSampler, with TAP", faster[0], scene, seed),
            demo.sample("KSampler, every step computed", demo.model, scene, seed),
            demo.sample("KSampler, another seed", demo.model, scene, seed=1007)]
    graph.column(480)
    names = ("with TAP", "every step computed", "another seed")
    pictures = [demo.decode(f"VAE Decode, {name}", run) for name, run in zip(names, runs, strict=True)]
    graph.add("TapCompare", picture=pictures[0], reference=pictures[1], other_seed=pictures[2],
              record=faster[1])
    graph.grow(40)


def watch(graph: Graph) -> None:
    """Which predictor was used where, in the viewer and as a film."""
    graph.note(
        f"## Watch the cache choose\n{FREE}\n\n**TAP Choice Map Viewer** shows where the picture was easy or hard to "
        "forecast, and which predictor each part of it used: drag through the steps or press play, point at a token "
        "to read its choice. Arrow keys go from step to step, the space bar plays. **TAP Choice Map** draws frames "
        "for a film; here the error on the probe (*loss*).\n\n**What to touch**\n- *quality*: *draft* leaves longer "
        "gaps to forecast.\n- *orders*: with only one order, tokens choose only how far ahead to look.\n- The scene: "
        "sky, edges and trees choose differently.", 470)
    demo, scene, faster = begin(graph)
    picture = demo.decode("", demo.sample("", faster[0], scene))
    seen = {"record": faster[1], "after": picture}
    frames = graph.add("TapChoiceMap", picture=picture, layer="loss", opacity=0.8, **seen)
    graph.column(500)
    graph.add("TapChoiceMapViewer", **seen)
    # Without loss and with the best method, 50 frames take seven times as long to write as the sampler takes.
    graph.add("SaveAnimatedWEBP", images=frames[0], filename_prefix="tap_watch", fps=4.0, lossless=False, quality=80,
              method="fastest")


def calibrate(graph: Graph) -> None:
    """One measured run, the steps that are worth computing, and what they give on another scene."""
    graph.columns(265)
    graph.note(
        f"## Calibrate once, reuse for every prompt\n{FREE}\n\n1. **TAP Measure Run** watches one run in which every "
        "step is computed.\n2. **TAP Calibrate** finds the steps that are worth computing.\n3. **TAP Placement** "
        "uses them for another scene and seed; *TAP Compare* says how close that is.\n\n**To reuse it**: right-click "
        "TAP Calibrate, *Save this calibration*; it is then in the menu of TAP Accelerate in every "
        "workflow.\n\n**What to touch**\n- *budget*: how many steps may be computed; 10, or 5x for one fifth. It "
        "replaces *quality* and *interval*; *quality* is *fixed* here.\n- The second scene and seed.\n- Set TAP "
        "Calibrate's other inputs (advanced) as in TAP Accelerate.", 690)
    demo = load(graph)
    graph.column()
    scenes = [demo.scene("Measured scene"),
              demo.scene("Another scene", time="sunset", land="hills", ground="meadow", landmark="windmill")]
    measured = graph.add("TapMeasureRun", model=demo.model)
    graph.column()
    run = demo.sample("KSampler, measured run", measured[0], scenes[0])
    found = graph.add("TapCalibrate", trace=measured[1], after=run, budget="10")
    full = demo.sample("KSampler, full, another scene", demo.model, scenes[1], 8)
    graph.column()
    placed = graph.add("TapPlacement", text=found[1], budget="10")[0]
    graph.grow(-16)
    faster = graph.add("TapAccelerate", model=demo.model, quality="fixed", schedule=placed)[0]
    graph.column(380)
    calibrated = demo.sample("KSampler, calibrated, another scene", faster, scenes[1], 8)
    pictures = [demo.decode("VAE Decode, calibrated", calibrated), demo.decode("VAE Decode, full", full)]
    graph.add("TapCompare", picture=pictures[0], reference=pictures[1])
    graph.grow(-20)


FREE_TEMPLATES = {
    "01 Try it, accelerate a demo, no download": try_it,
    "02 Compare speed and picture, no download": compare,
    "03 Watch the cache choose, no download": watch,
    "04 Calibrate once, no download": calibrate,
}
